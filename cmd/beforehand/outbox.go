package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
)

const outboxUsage = `outbox [flags] list | show ID | retry ID

Lists the mails and webhooks that were sent, wait or were given up, shows one
as it is sent, or lets one be tried again. A running server tries it within a
minute.`

// outboxLimit is how many messages are listed.
const outboxLimit = 100

func runOutbox(ctx context.Context, s stdio, args []string) error {
	var v placeFlags
	var state, site string
	f := keepFlags(outboxUsage, &v)
	f.StringVar(&state, "only", "", "`state` of those to list: waiting, sent or given_up (default: all)")
	f.StringVar(&site, "site", "", "`name` of the site that they tell of (default: every site)")
	if err := f.parse(s, args, 2); err != nil {
		return err
	}
	verb, id := f.Arg(0), f.Arg(1)
	switch {
	case verb != "list" && verb != "show" && verb != "retry":
		return usageError{errors.New("say what to do: list, show ID, or retry ID")}
	case verb == "list" && id != "":
		return usageError{fmt.Errorf("unexpected argument %q", id)}
	case verb != "list" && id == "":
		return usageError{fmt.Errorf("name the message to %s by its ID, as list has it", verb)}
	}
	return withState(ctx, v, false, func(kept stateStore) error {
		box := kept.Outbox()
		switch verb {
		case "list":
			return listOutbox(ctx, s.out, box, outbox.Query{State: outbox.State(state), Site: site, Limit: outboxLimit})
		case "show":
			m, err := box.Find(ctx, id)
			if err != nil {
				return err
			}
			_, err = s.out.Write(append(m.Body, '\n'))
			return err
		}
		return box.Retry(ctx, id, time.Now())
	})
}

func listOutbox(ctx context.Context, w io.Writer, box outbox.Store, q outbox.Query) error {
	list, err := box.List(ctx, q)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tCREATED\tSTATE\tATTEMPTS\tKIND\tRECIPIENT\tSUBJECT\tERROR")
	for _, m := range list {
		fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%s\t%s:%s\t%s\t%s\n", m.ID(), m.Created.Format(time.DateTime), m.State, m.Attempts, m.Kind, m.Way, m.Recipient, m.Subject, m.Error)
	}
	return out.Flush()
}
