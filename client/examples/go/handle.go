package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	hookbridgev1 "hookbridge.dev/examples/subscriber/gen/hookbridge/v1"
)

// Handle is your work. An error ends the process, and the event comes again at the next start.
func Handle(event *hookbridgev1.Event) error {
	var note string
	data := event.GetJson().GetStructValue().GetFields()
	switch {
	case data == nil:
		// Authentic, but no JSON object: the exact bytes are in event.raw (view FULL or RAW).
		note = "no JSON object " + event.GetConversionError()
	case event.Source == "po":
		payment := data["payment_details"].GetStructValue().GetFields()
		order := data["transaction_details"].GetStructValue().GetFields()["merchant_txn_ref"]
		note = fmt.Sprintf("%s %s for %s", payment["amount"].GetStringValue(),
			payment["currency"].GetStringValue(), order.GetStringValue())
	case event.Source == "stripe":
		// JSON numbers are doubles here. One that a double cannot hold is a string with the digits
		// as sent, and event.inexact_numbers names it.
		intent := data["data"].GetStructValue().GetFields()["object"].GetStructValue().GetFields()
		note = fmt.Sprintf("%.2f %s", intent["amount"].GetNumberValue()/100,
			strings.ToUpper(intent["currency"].GetStringValue()))
	default:
		repository := data["repository"].GetStructValue().GetFields()
		note = data["action"].GetStringValue() + " " + repository["full_name"].GetStringValue()
	}
	if event.TestMode {
		note += " (test)"
	}
	fmt.Println("handled", event.Source, event.Type, event.DedupKey, "|", note)
	return nil
}

// CheckStripe is optional: the provider's signature once more, from the bytes as it sent them. The
// time was checked by the bridge when the webhook came; by now it may be long ago.
func CheckStripe(event *hookbridgev1.Event, secret string) error {
	var stamp string
	var signatures []string
	for _, header := range event.GetRaw().GetHeaders() {
		if !strings.EqualFold(header.Name, "Stripe-Signature") {
			continue
		}
		for _, part := range strings.Split(string(header.Value), ",") {
			switch name, value, _ := strings.Cut(part, "="); name {
			case "t":
				stamp = value
			case "v1":
				signatures = append(signatures, value)
			}
		}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(event.GetRaw().GetBody())
	for _, signature := range signatures {
		if given, err := hex.DecodeString(signature); err == nil && hmac.Equal(given, mac.Sum(nil)) {
			return nil
		}
	}
	return fmt.Errorf("%s: the stored bytes do not carry Stripe's signature", event.Id)
}
