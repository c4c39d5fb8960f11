package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/web"
)

// messagesOnPage is how many messages the page of messages has at most.
const messagesOnPage = 200

// mountMessages adds the page of mails and webhooks.
func (s *Server) mountMessages(mux *router) {
	mux.HandleFunc("GET "+web.MessagesPath, func(w http.ResponseWriter, r *http.Request) { s.writeMessages(w, r, nil) })
	mux.HandleFunc("POST "+web.MessagesPath, s.retryMessage)
}

// messages are the last ones that tell of sites which an asker owns; owners of the
// installation see all.
func (s *Server) messages(ctx context.Context, a *asker) ([]outbox.Message, error) {
	if a.user == nil || a.user.OwnsAll() {
		return s.Outbox.List(ctx, outbox.Query{Limit: messagesOnPage})
	}
	var all []outbox.Message
	for _, site := range s.owned(a) {
		list, err := s.Outbox.List(ctx, outbox.Query{Site: site, Limit: messagesOnPage})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(m, o outbox.Message) int {
		return cmp.Or(o.Created.Compare(m.Created), cmp.Compare(m.ID(), o.ID()))
	})
	return all[:min(len(all), messagesOnPage)], nil
}

func (s *Server) writeMessages(w http.ResponseWriter, r *http.Request, wrong error) {
	list, err := s.messages(r.Context(), s.asker(r))
	if err != nil {
		wrong = err
	}
	s.writeAccounts(w, r, &web.Messages{Messages: list}, wrong)
}

// retryMessage lets a message be tried again.
func (s *Server) retryMessage(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	if err := s.retry(r, r.PostForm.Get("retry")); err != nil {
		s.writeMessages(w, r, err)
		return
	}
	s.did(w, r, web.MessagesPath, "retry")
}

func (s *Server) retry(r *http.Request, id string) error {
	m, err := s.Outbox.Find(r.Context(), id)
	if errors.Is(err, outbox.ErrUnknown) || err == nil && !s.actor(r).Owns(cmp.Or(m.Site, account.Everywhere)) {
		return outbox.ErrUnknown // whether it is there is not told to who may not see it
	}
	if err == nil {
		err = s.Outbox.Retry(r.Context(), id, time.Now())
	}
	if err != nil {
		return err
	}
	return s.note(r, account.Entry{What: account.MessageRetried, About: m.Subject, Site: m.Site})
}
