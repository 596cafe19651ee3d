// A service that handles webhooks from hookbridge. Copy it, and put your work into handle.go.
//
//	./generate.sh && go run . -bridge 127.0.0.1:9090 -state ./state
//
// Kill it at any moment and start it again: every event is handled. The bridge delivers at least
// once; what comes twice is recognised by (source, dedup_key) and left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	bridge := flag.String("bridge", "127.0.0.1:9090", "HOST:PORT of the bridge")
	directory := flag.String("state", "./state", "folder of the cursor and the handled keys")
	sources := flag.String("sources", "", "only these, separated by commas")
	host, _ := os.Hostname()
	clientID := flag.String("client-id", "go-example-"+host,
		"its own for each replica: a newer process with it takes over")
	heartbeat := flag.Duration("heartbeat", 15*time.Second, "between signs of life")
	flag.Parse()

	state, err := OpenState(*directory)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	subscriber := &Subscriber{
		Bridge: *bridge, ClientID: *clientID, Heartbeat: *heartbeat, State: state,
		// Optional: check Stripe's signature again. A secret comes from the environment.
		StripeSecret: os.Getenv("STRIPE_SECRET"),
	}
	if *sources != "" {
		subscriber.Sources = strings.Split(*sources, ",")
	}
	// SIGTERM, SIGINT: the event at hand is finished and its cursor kept.
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := subscriber.Run(stop); err != nil {
		fmt.Println("ended:", err)
		os.Exit(1)
	}
	fmt.Println("stopped; the cursor is kept")
}
