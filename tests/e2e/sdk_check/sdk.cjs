// Calls the providers' own SDKs. Reads one JSON request a line, answers one a line:
//   {"sdk": "stripe", "do": "sign",   "body", "secret", "url"} -> {"headers": {…}, "body": …}
//   {"sdk": "stripe", "do": "verify", "body", "headers", "secret", "url", "query"} -> {"ok": true}
// Header names come in lower case. An SDK that throws has refused.
"use strict";

const readline = require("readline");

const ADYEN_ITEM = {
  eventCode: "AUTHORISATION", success: "true", eventDate: "2026-01-01T00:00:00+01:00",
  merchantAccountCode: "Shop", merchantReference: "a:b\\c", pspReference: "7914073381342284",
  amount: { currency: "EUR", value: 1130 }, additionalData: {},
};

const sdks = {
  stripe: {
    load: () => require("stripe"),
    sign: (stripe, r) => ({
      "Stripe-Signature": stripe.webhooks.generateTestHeaderString({ payload: r.body, secret: r.secret }),
    }),
    verify: (stripe, r) =>
      stripe.webhooks.constructEvent(r.body, r.headers["stripe-signature"], r.secret),
  },
  svix: {
    load: () => require("svix").Webhook,
    sign: (Webhook, r) => {
      const now = new Date();
      return {
        "svix-id": "msg_1", "svix-timestamp": String(Math.floor(now / 1000)),
        "svix-signature": new Webhook(r.secret).sign("msg_1", now, r.body),
      };
    },
    verify: (Webhook, r) => new Webhook(r.secret).verify(r.body, r.headers),
  },
  // Clerk's own helper needs a Request of the browser's kind; it calls this.
  clerk: {
    load: () => require("svix").Webhook,
    sign: (Webhook, r) => {
      const now = new Date();
      return {
        "svix-id": "msg_2", "svix-timestamp": String(Math.floor(now / 1000)),
        "svix-signature": new Webhook(r.secret).sign("msg_2", now, r.body),
      };
    },
    verify: (Webhook, r) => new Webhook(r.secret).verify(r.body, r.headers),
  },
  resend: {
    load: () => new (require("resend").Resend)("re_key"),
    verify: (resend, r) => resend.webhooks.verify({
      payload: r.body, webhookSecret: r.secret,
      headers: {
        id: r.headers["svix-id"], timestamp: r.headers["svix-timestamp"], signature: r.headers["svix-signature"],
      },
    }),
  },
  box: {
    load: () => require("box-node-sdk/managers/webhooks").WebhooksManager,
    verify: (Manager, r) => Manager.validateMessage(r.body, r.headers, r.secret),
  },
  mercado_pago: {
    load: () => require("mercadopago").WebhookSignatureValidator,
    verify: (Validator, r) => {
      Validator.validate({
        xSignature: r.headers["x-signature"], xRequestId: r.headers["x-request-id"], secret: r.secret,
        dataId: new URLSearchParams(r.query).get("data.id"),
      });
      return true;
    },
  },
  // The one part of the multipart body is the JSON.
  dropbox_sign: {
    load: () => require("@dropbox/sign"),
    verify: (sign, r) => sign.EventCallbackHelper.isValid(
      r.secret, sign.EventCallbackRequest.init(JSON.parse(r.body.split("\r\n\r\n")[1].split("\r\n--")[0]))),
  },
  standard_webhooks: {
    load: () => require("standardwebhooks").Webhook,
    sign: (Webhook, r) => {
      const now = new Date();
      return {
        "webhook-id": "msg_1", "webhook-timestamp": String(Math.floor(now / 1000)),
        "webhook-signature": new Webhook(r.secret).sign("msg_1", now, r.body),
      };
    },
    verify: (Webhook, r) => new Webhook(r.secret).verify(r.body, r.headers),
  },
  github: {
    load: () => require("@octokit/webhooks-methods"),
    sign: async (octokit, r) => ({
      "X-Hub-Signature-256": await octokit.sign(r.secret, r.body), "X-GitHub-Delivery": "1", "X-GitHub-Event": "push",
    }),
    verify: (octokit, r) => octokit.verify(r.secret, r.body, r.headers["x-hub-signature-256"]),
  },
  twilio: {
    load: () => require("twilio"),
    sign: (twilio, r) => ({
      "X-Twilio-Signature": twilio.getExpectedTwilioSignature(
        r.secret, r.url, Object.fromEntries(new URLSearchParams(r.body))),
      "Content-Type": "application/x-www-form-urlencoded",
    }),
    verify: (twilio, r) => twilio.validateRequest(
      r.secret, r.headers["x-twilio-signature"], r.url, Object.fromEntries(new URLSearchParams(r.body))),
  },
  adyen_payments: {
    load: () => new (require("@adyen/api-library").hmacValidator)(),
    sign: (validator, r) => {
      const item = structuredClone(ADYEN_ITEM);
      item.additionalData.hmacSignature = validator.calculateHmac(item, r.secret);
      const body = JSON.stringify({ live: "false", notificationItems: [{ NotificationRequestItem: item }] });
      return { body };
    },
    verify: (validator, r) => JSON.parse(r.body).notificationItems.every(
      (item) => validator.validateHMAC(item.NotificationRequestItem, r.secret)),
  },
  // Its first parameter is called the key and is the signature.
  adyen_platforms: {
    load: () => new (require("@adyen/api-library").hmacValidator)(),
    sign: (validator, r) => ({ HmacSignature: validator.calculateHmac(r.body, r.secret), Protocol: "HmacSHA256" }),
    verify: (validator, r) => validator.validateBankingHMAC(r.headers.hmacsignature, r.secret, r.body),
  },
  hubspot: {
    load: () => require("@hubspot/api-client").Signature,
    sign: (Signature, r) => {
      const timestamp = Date.now();
      return {
        "X-HubSpot-Request-Timestamp": String(timestamp),
        "X-HubSpot-Signature-v3": Signature.getSignature("POST", "v3", {
          clientSecret: r.secret, requestBody: r.body, url: r.url, timestamp, signature: "",
          signatureVersion: "v3", method: "POST" }),
      };
    },
    verify: (Signature, r) => Signature.isValid({
      signatureVersion: "v3", signature: r.headers["x-hubspot-signature-v3"], method: "POST",
      clientSecret: r.secret, requestBody: r.body, url: r.url,
      timestamp: Number(r.headers["x-hubspot-request-timestamp"]) }),
  },
  coinbase_commerce: {
    load: () => require("coinbase-commerce-node").Webhook,
    sign: (Webhook, r) => ({ "X-CC-Webhook-Signature": Webhook.computeSignature(r.body, r.secret) }),
    verify: (Webhook, r) => Webhook.verifySigHeader(r.body, r.headers["x-cc-webhook-signature"], r.secret),
  },
  razorpay: {
    load: () => require("razorpay"),
    verify: (Razorpay, r) =>
      Razorpay.validateWebhookSignature(r.body, r.headers["x-razorpay-signature"], r.secret),
  },
  square: {
    load: () => require("square").WebhooksHelper,
    verify: (Helper, r) => Helper.isValidWebhookEventSignature(
      r.body, r.headers["x-square-hmacsha256-signature"], r.secret, r.url),
  },
  sendgrid: {
    load: () => new (require("@sendgrid/eventwebhook").EventWebhook)(),
    verify: (webhook, r) => webhook.verifySignature(
      webhook.convertPublicKeyToECDSA(r.secret), r.body,
      r.headers["x-twilio-email-event-webhook-signature"],
      r.headers["x-twilio-email-event-webhook-timestamp"]),
  },
  discord: {
    load: () => require("discord-interactions"),
    verify: (discord, r) => discord.verifyKey(
      r.body, r.headers["x-signature-ed25519"], r.headers["x-signature-timestamp"], r.secret),
  },
  paddle: {
    load: () => new (require("@paddle/paddle-node-sdk").Paddle)("api-key").webhooks,
    verify: (webhooks, r) => webhooks.isSignatureValid(r.body, r.secret, r.headers["paddle-signature"]),
  },
  linear: {
    load: () => require("@linear/sdk"),
    verify: (linear, r) => new linear.LinearWebhooks(r.secret).verify(
      Buffer.from(r.body), r.headers["linear-signature"], JSON.parse(r.body).webhookTimestamp),
  },
  gocardless: {
    load: () => require("gocardless-nodejs/webhooks"),
    verify: (gocardless, r) => gocardless.parse(r.body, r.secret, r.headers["webhook-signature"]),
  },
};

async function answer(r) {
  const sdk = sdks[r.sdk];
  if (r.do === "list") return Object.fromEntries(Object.entries(sdks).map(([name, s]) => [name, Boolean(s.sign)]));
  const loaded = sdk.load();
  if (r.do === "sign") {
    const made = await sdk.sign(loaded, r);
    return made.body === undefined ? { headers: made, body: r.body } : { headers: {}, body: made.body };
  }
  try {
    return { ok: Boolean(await sdk.verify(loaded, r)) };
  } catch (error) {
    return { ok: false, error: String(error.message || error) };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let out;
    try {
      out = await answer(JSON.parse(line));
    } catch (error) {
      out = { failed: String(error.stack || error) };
    }
    console.log(JSON.stringify(out));
  }
})();
