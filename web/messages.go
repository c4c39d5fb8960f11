package web

import "github.com/beforehand-go/beforehand/outbox"

// Messages is the page of mails and webhooks.
type Messages struct {
	AccountPage
	Messages []outbox.Message
}

func (*Messages) place() (path, template string) { return MessagesPath, "messages.html" }

// StateWord is how far a message is, in a word, and WayWord how it goes.
func (v *Messages) StateWord(s outbox.State) string {
	return v.words[map[outbox.State]string{outbox.Waiting: "message_waiting", outbox.Sent: "message_sent", outbox.GivenUp: "message_given_up"}[s]]
}

// WayWord is how a message gets to its recipient.
func (v *Messages) WayWord(w outbox.Way) string {
	return v.words[map[outbox.Way]string{outbox.Mail: "message_mail", outbox.Webhook: "message_webhook"}[w]]
}

// Failed tells whether a message may be sent again.
func (v *Messages) Failed(m outbox.Message) bool { return m.State != outbox.Sent && m.Attempts > 0 }
