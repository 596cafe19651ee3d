#include "client/hookctl/sample_templates.h"

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kPaymentOptions = R"({
  "success": true, "status_code": 200, "is_live": false, "transaction_type": "CAPTURE",
  "gateway_response": {"version": "1.0", "type": "INFO", "message": "Payment successful",
    "code": "INFO0000"},
  "return_url_details": {"webhook_url": "https://shop.example/hooks/po",
    "success_url": "https://shop.example/success", "decline_url": "https://shop.example/decline"},
  "merchant_details": {"legal_name": "Example Shop", "mid": "JP00000328",
    "merchant_txn_ref": "order-{number}"},
  "device_details": {"customer_ip": "192.0.2.10"},
  "payment_details": {"amount": "19.99", "currency": "EUR", "response_code": 0,
    "responseDescription": "Approved", "auth_code": "831000", "payment_method": "CARD",
    "scheme": "MASTERCARD", "card": {"name": "A CUSTOMER", "number": "545454******5454",
      "exp_month": "12", "exp_year": "2031"}},
  "transaction_details": {"id": "{uuid}", "ref": {number}, "timestamp": "{millis}",
    "merchant_txn_ref": "order-{number}"},
  "risk-details": {"risk_score": null}
})";

constexpr std::string_view kStripe = R"({
  "id": "evt_{hex}",
  "object": "event",
  "api_version": "2024-06-20",
  "created": {unix},
  "data": {"object": {"id": "pi_{hex}", "object": "payment_intent", "amount": 1999,
    "amount_received": 1999, "currency": "eur", "customer": null, "status": "succeeded"}},
  "livemode": false,
  "pending_webhooks": 1,
  "request": {"id": "req_{hex}", "idempotency_key": null},
  "type": "payment_intent.succeeded"
})";

constexpr std::string_view kSquare =
    R"({"merchant_id":"M1","type":"payment.updated","event_id":"{uuid}","created_at":"{iso}",)"
    R"("data":{"type":"payment","id":"{hex}","object":{}}})";

constexpr std::string_view kAdyenPayments =
    R"({"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":)"
    R"({"hmacSignature":"{signature}"},"amount":{"currency":"EUR","value":1999},)"
    R"("eventCode":"AUTHORISATION","eventDate":"{iso}","merchantAccountCode":"Shop",)"
    R"("merchantReference":"order-{number}","pspReference":"{number}","reason":"",)"
    R"("success":"true"}}]})";

constexpr std::string_view kAdyenPlatforms =
    R"({"type":"balancePlatform.transfer.created","environment":"test","timestamp":"{iso}",)"
    R"("data":{"id":"{hex}","amount":{"value":1999,"currency":"EUR"}}})";

constexpr std::string_view kPaddle =
    R"({"event_id":"evt_{hex}","event_type":"transaction.completed","occurred_at":"{iso}",)"
    R"("notification_id":"ntf_{hex}","data":{"id":"txn_{hex}","status":"completed"}})";

constexpr std::string_view kCoinbaseCommerce =
    R"({"id":1,"attempt_number":1,"event":{"id":"{uuid}","type":"charge:created",)"
    R"("created_at":"{iso}","data":{"code":"C{number}"}}})";

constexpr std::string_view kRazorpay =
    R"({"entity":"event","account_id":"acc_1","event":"payment.captured","created_at":{unix},)"
    R"("payload":{"payment":{"entity":{"id":"pay_{hex}","order_id":"order_{hex}",)"
    R"("amount":1999}}}})";

constexpr std::string_view kMollie =
    R"({"resource":"event","id":"event_{hex}","type":"payment-link.paid","entityId":"pl_{hex}",)"
    R"("createdAt":"{iso}"})";

constexpr std::string_view kCheckoutCom =
    R"({"id":"evt_{hex}","type":"payment_captured","created_on":"{iso}","data":)"
    R"({"id":"pay_{hex}","amount":1999,"currency":"EUR"}})";

constexpr std::string_view kGoCardless =
    R"({"events":[{"id":"EV{hex}","created_at":"{iso}","resource_type":"payments",)"
    R"("action":"confirmed","links":{"payment":"PM1"}}],"meta":{"webhook_id":"WB{hex}"}})";

constexpr std::string_view kKlarna =
    R"({"metadata":{"event_id":"{uuid}","event_type":"payment.session.completed",)"
    R"("occurred_at":"{iso}","correlation_id":"{hex}"},"payload":{}})";

constexpr std::string_view kAirwallex =
    R"({"id":"evt_{hex}","name":"payment_intent.succeeded","account_id":"acct_1","data":{)"
    R"("object":{"id":"int_{hex}","amount":19.99,"currency":"EUR"}},"created_at":"{iso}"})";

constexpr std::string_view kAuthorizeNet =
    R"({"notificationId":"{uuid}","eventType":"net.authorize.payment.authcapture.created",)"
    R"("eventDate":"{millis}","webhookId":"W1","payload":{"responseCode":1,"authAmount":19.99,)"
    R"("entityName":"transaction","id":"{number}"}})";

constexpr std::string_view kChargebee =
    R"({"id":"ev_{hex}","occurred_at":{unix},"source":"api","object":"event","api_version":"v2",)"
    R"("event_type":"subscription_created","content":{"subscription":{"id":"sub_{hex}",)"
    R"("customer_id":"c_{number}","status":"active"}}})";

constexpr std::string_view kFireblocks =
    R"({"id":"{uuid}","eventType":"transaction.status.updated","eventVersion":1,)"
    R"("resourceId":"{uuid}",)"
    R"("workspaceId":"W1","createdAt":{ms},"data":{"id":"{uuid}","status":"COMPLETED"}})";

constexpr std::string_view kLemonSqueezy =
    R"({"meta":{"event_name":"order_created","test_mode":true},"data":{"type":"orders",)"
    R"("id":"{number}","attributes":{"total":1999,"currency":"EUR","updated_at":"{iso}"}}})";

constexpr std::string_view kMercadoPago =
    R"({"id":{number},"live_mode":false,"type":"payment","date_created":"{iso}","user_id":1,)"
    R"("api_version":"v1","action":"payment.updated","data":{"id":"{number}"}})";

constexpr std::string_view kPayfast =
    "m_payment_id=order-{number}&pf_payment_id={number}&payment_status=COMPLETE&item_name=A+sample&"
    "amount_gross=19.99&amount_fee=-0.46&amount_net=19.53&merchant_id=10000100&"
    "signature={signature}";

constexpr std::string_view kPaymob =
    R"({"type":"TRANSACTION","obj":{"id":{number},"pending":false,"amount_cents":1999,)"
    R"("success":true,"is_auth":false,"is_capture":false,"is_standalone_payment":true,)"
    R"("is_voided":false,"is_refunded":false,"is_3d_secure":true,"integration_id":1,)"
    R"("has_parent_transaction":false,"order":{"id":{number}},"created_at":"{iso}",)"
    R"("currency":"EGP","source_data":{"pan":"2346","type":"card","sub_type":"MasterCard"},)"
    R"("error_occured":false,"owner":1}})";

constexpr std::string_view kPayu =
    R"({"order":{"orderId":"WZHF{hex}","extOrderId":"order-{number}","orderCreateDate":"{iso}",)"
    R"("totalAmount":"1999","currencyCode":"PLN","status":"COMPLETED"},)"
    R"("localReceiptDateTime":"{iso}"})";

constexpr std::string_view kRecurly =
    R"({"id":"{hex}","object_type":"account","site_id":"s1","event_type":"created",)"
    R"("event_time":"{iso}","account_code":"a-{number}"})";

constexpr std::string_view kWise =
    R"({"data":{"resource":{"id":{number},"profile_id":1,"type":"transfer"},)"
    R"("current_state":"processing","occurred_at":"{iso}"},"subscription_id":"{uuid}",)"
    R"("event_type":"transfers#state-change","schema_version":"2.0.0","sent_at":"{iso}"})";

constexpr std::string_view kWorldpay =
    R"({"eventId":"{uuid}","eventTimestamp":"{millis}","eventDetails":{"classification":"payment",)"
    R"("transactionReference":"order-{number}","type":"sentForSettlement",)"
    R"("amount":{"value":1999,"currencyCode":"EUR"}}})";

}  // namespace

std::vector<SampleTemplate> PaymentSamples() {
  return {
      {"payment_options", "", {}, kPaymentOptions},
      {"stripe", "evt_{hex}", {}, kStripe},
      {"square", "", {}, kSquare},
      {"adyen_payments", "", {}, kAdyenPayments},
      {"adyen_platforms", "", {{"Protocol", "HmacSHA256"}}, kAdyenPlatforms},
      {"paddle", "", {}, kPaddle},
      {"coinbase_commerce", "", {}, kCoinbaseCommerce},
      {"razorpay", "{hex}", {}, kRazorpay},
      {"mollie", "", {}, kMollie},
      {"checkout_com", "", {}, kCheckoutCom},
      {"gocardless", "", {}, kGoCardless},
      {"klarna", "", {}, kKlarna},
      {"airwallex", "", {}, kAirwallex},
      {"authorize_net", "", {}, kAuthorizeNet},
      {"chargebee", "", {}, kChargebee},
      {"fireblocks", "", {}, kFireblocks},
      {"lemon_squeezy", "", {{"X-Event-Name", "order_created"}}, kLemonSqueezy},
      {"mercado_pago", "{uuid}", {}, kMercadoPago, "data.id={number}&type=payment"},
      {"payfast", "", {{"Content-Type", "application/x-www-form-urlencoded"}}, kPayfast},
      {"paymob", "", {}, kPaymob},
      {"payu", "", {}, kPayu},
      {"recurly", "", {}, kRecurly},
      {"wise", "{uuid}", {}, kWise},
      {"worldpay", "", {}, kWorldpay},
  };
}

}  // namespace hookbridge::hookctl
