package main

import (
	"context"
	"fmt"
	"math/rand"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	hookbridgev1 "hookbridge.dev/examples/subscriber/gen/hookbridge/v1"
)

const (
	firstWait = 200 * time.Millisecond
	lastWait  = 10 * time.Second
)

// Subscriber reads one stream after another until it is stopped.
type Subscriber struct {
	Bridge       string
	Sources      []string // empty is all
	ClientID     string
	Heartbeat    time.Duration
	StripeSecret string // empty: signatures are not checked again
	State        *State

	waitLimit time.Duration
	random    *rand.Rand
	pause     time.Duration // what the bridge asked for before the next attempt; negative: nothing
	behind    bool
}

// failure is an error of ours, not of the connection: another attempt would not mend it.
type failure struct{ error }

// Run returns nil after a stop.
func (s *Subscriber) Run(stop context.Context) error {
	s.waitLimit, s.pause = firstWait, -1
	s.random = rand.New(rand.NewSource(time.Now().UnixNano()))
	for {
		err := s.read(stop)
		if own, ok := err.(failure); ok {
			return own.error
		}
		if stop.Err() != nil {
			return nil
		}
		if err = explain(err); err != nil {
			return err
		}
	}
}

// read reads one stream until it ends, and waits when another attempt makes sense.
func (s *Subscriber) read(stop context.Context) error {
	// A connection of its own for each stream: one that fell silent is not used again.
	channel, err := grpc.NewClient(s.Bridge,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(32<<20)))
	if err != nil {
		return failure{err}
	}
	defer channel.Close()
	request, err := s.request()
	if err != nil {
		return failure{err}
	}
	ctx, cancel := context.WithCancel(stop)
	defer cancel()
	stream, err := hookbridgev1.NewDeliveryServiceClient(channel).Subscribe(ctx, request)
	// A connection can die without a word. Three missing heartbeats mean that it did.
	silence := time.AfterFunc(3*s.Heartbeat, cancel)
	defer silence.Stop()
	for err == nil {
		var response *hookbridgev1.SubscribeResponse
		silence.Reset(3 * s.Heartbeat)
		response, err = stream.Recv()
		silence.Stop() // our work may take its time
		if err == nil {
			if own := s.take(stop, response); own != nil {
				return failure{own}
			}
		}
	}
	if stop.Err() == nil && transient(err) {
		s.backOff(stop, err)
	}
	return err
}

func (s *Subscriber) request() (*hookbridgev1.SubscribeRequest, error) {
	read := &hookbridgev1.CursorRead{}
	if len(s.Sources) > 0 {
		read.Filter = &hookbridgev1.Filter{
			AnyOf: []*hookbridgev1.FilterClause{{Sources: s.Sources}}}
	}
	cursor, err := s.State.Cursor()
	if err != nil {
		return nil, err
	}
	if cursor != "" {
		read.Start = &hookbridgev1.CursorRead_AfterCursor{AfterCursor: cursor}
	} else {
		read.Start = &hookbridgev1.CursorRead_Preset{
			Preset: hookbridgev1.StartPreset_START_PRESET_EARLIEST}
	}
	view := hookbridgev1.PayloadView_PAYLOAD_VIEW_DATA
	if s.StripeSecret != "" {
		view = hookbridgev1.PayloadView_PAYLOAD_VIEW_FULL
	}
	return &hookbridgev1.SubscribeRequest{
		Target:            &hookbridgev1.SubscribeRequest_CursorRead{CursorRead: read},
		ClientId:          s.ClientID,
		HeartbeatInterval: durationpb.New(s.Heartbeat),
		PayloadView:       view,
	}, nil
}

func (s *Subscriber) take(stop context.Context, response *hookbridgev1.SubscribeResponse) error {
	switch message := response.Message.(type) {
	case *hookbridgev1.SubscribeResponse_Batch:
		var cursor string
		for _, delivery := range message.Batch.Deliveries {
			if err := s.takeEvent(delivery); err != nil {
				return err
			}
			cursor = delivery.Cursor
			if stop.Err() != nil {
				break
			}
		}
		return s.State.SaveCursor(cursor) // once a batch; a crash repeats at most one batch
	case *hookbridgev1.SubscribeResponse_Started:
		s.waitLimit = firstWait
		s.behind = true
		fmt.Println("connected to", s.Bridge)
	case *hookbridgev1.SubscribeResponse_CaughtUp:
		if s.behind { // it comes after every burst; once a connection is enough to read
			fmt.Println("caught up: waiting for webhooks")
		}
		s.behind = false
		return s.State.SaveCursor(message.CaughtUp.Cursor)
	case *hookbridgev1.SubscribeResponse_Heartbeat:
		// The cursor moves past events that the filter left out, too.
		return s.State.SaveCursor(message.Heartbeat.Cursor)
	case *hookbridgev1.SubscribeResponse_Ending:
		s.pause = message.Ending.ReconnectDelay.AsDuration()
	}
	return nil
}

func (s *Subscriber) takeEvent(delivery *hookbridgev1.Delivery) error {
	event := delivery.Event
	if s.State.Knows(event) {
		fmt.Println("repeat", event.Source, event.Type, event.DedupKey, "| left out")
		return nil
	}
	if delivery.PayloadOmitted {
		fmt.Println("large", event.Id, "| AdminService.ReadEventBody has its body")
	} else if s.StripeSecret != "" && event.Source == "stripe" {
		if err := CheckStripe(event, s.StripeSecret); err != nil {
			return err
		}
	}
	if err := Handle(event); err != nil {
		return err
	}
	return s.State.Remember(event)
}

// backOff waits with full jitter: the subscribers of one bridge spread out.
func (s *Subscriber) backOff(stop context.Context, err error) {
	wait := s.pause
	if wait < 0 {
		wait = time.Duration(s.random.Int63n(int64(s.waitLimit)))
	}
	s.pause = -1
	if s.waitLimit *= 2; s.waitLimit > lastWait {
		s.waitLimit = lastWait
	}
	fmt.Printf("again in %.1f s: %v\n", wait.Seconds(), err)
	select {
	case <-stop.Done():
	case <-time.After(wait):
	}
}

// transient tells what another attempt can mend; any other status wants a person, see explain.
func transient(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.Internal, codes.Unknown, codes.Canceled, codes.DeadlineExceeded,
		codes.ResourceExhausted:
		return true
	}
	return false
}

func explain(err error) error {
	switch {
	case transient(err):
		return nil
	case status.Code(err) == codes.OutOfRange:
		return fmt.Errorf("%w\nThe bridge no longer keeps what follows our cursor: events are missing."+
			" Delete the file `cursor` to go on from the oldest event that is kept.", err)
	case status.Code(err) == codes.FailedPrecondition:
		return fmt.Errorf("%w\nThis is another journal than the one of our cursor. Delete the file"+
			" `cursor` to read it from its beginning.", err)
	case status.Code(err) == codes.Aborted:
		return fmt.Errorf("%w\nAnother process with our client id took over.", err)
	}
	return err
}
