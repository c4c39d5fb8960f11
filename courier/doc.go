// Package courier brings what an outbox holds to its recipients: by mail over
// SMTP, and by webhook over HTTP.
package courier
