package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	hookbridgev1 "hookbridge.dev/examples/subscriber/gen/hookbridge/v1"
)

// State is what survives this process: a cursor, and which events were handled.
//
// With a database both belong there: the row of (source, dedup_key), under a unique index, and the
// cursor, in the transaction of your work. Then nothing is ever done twice, not even the one event
// that a crash cut between Handle and Remember.
type State struct {
	directory string
	handled   map[string]bool
	ledger    *os.File
}

func OpenState(directory string) (*State, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(directory, "handled")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	state := &State{directory: directory, handled: map[string]bool{}}
	for _, line := range strings.Split(string(text), "\n") {
		state.handled[line] = true
	}
	state.ledger, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	return state, err
}

// Cursor is empty before the first save.
func (s *State) Cursor() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.directory, "cursor"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

func (s *State) Knows(event *hookbridgev1.Event) bool { return s.handled[line(event)] }

func (s *State) Remember(event *hookbridgev1.Event) error {
	s.handled[line(event)] = true
	// The line end comes first: after half a line that a power cut left, the next is whole.
	_, err := s.ledger.WriteString("\n" + line(event))
	return err
}

// SaveCursor is called after the work, never before it. The file is the old one or the new one, at
// any moment.
func (s *State) SaveCursor(cursor string) error {
	if err := s.ledger.Sync(); err != nil {
		return err
	}
	temporary := filepath.Join(s.directory, "cursor.new")
	if err := writeDurably(temporary, cursor); err != nil {
		return err
	}
	if err := os.Rename(temporary, filepath.Join(s.directory, "cursor")); err != nil {
		return err
	}
	folder, err := os.Open(s.directory)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func writeDurably(path, text string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Sync()
}

func line(event *hookbridgev1.Event) string {
	text, _ := json.Marshal([]string{event.Source, event.DedupKey}) // strings always marshal
	return string(text)
}
