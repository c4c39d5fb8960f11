// Package scheduler runs jobs once per tick, in however many processes it is
// started.
//
//	s, err := scheduler.New(scheduler.Config{Store: state.Jobs()})
//	err = s.Add(ctx, scheduler.Job{
//		Name:    "hot",
//		Trigger: trigger.Every(time.Hour),
//		Run:     func(ctx context.Context, run *scheduler.Run) error { … },
//	})
//	err = s.Run(ctx)
//
// A tick is a job and a due instant. Each has one row in the ledger, inserted
// in the transaction that moves the job on to its next due instant, so that of
// all schedulers sharing a store one gets it. It ends exactly once:
//
//	          ┌──────────────── retry, lost, handed back ───────────────┐
//	          ▼                                                         │
//	due ──► waiting ──► running ──► succeeded, failed, timed out, cancelled
//	 └────────────────────────────► missed, coalesced, skipped
//
// # What is guaranteed
//
// A running tick is held under a lease. Its holder writes the row again at a
// third of the lease. A row that stands still for a whole lease, by the
// monotonic clock of whoever watches, is taken over: its fencing number grows,
// and the old holder can write neither its outcome nor what its run committed.
// The context of a run whose lease was lost ends. So the effect of a tick, what
// its run gives to [Run.Commit] and its outcome, happens once.
//
// What a run does elsewhere (files, mail, another database) happens at least
// once. [Run.Key], the same at every attempt, and [Run.Fence], which grows with
// each, are there to make that harmless.
//
// Every tick has a row that says what became of it and why. Ticks that passed
// without a run share a row, with their count.
//
// # What is not
//
// Two runs of one tick may overlap for a moment, when a process wakes up that
// was stopped for longer than its lease: the older is told to stop within a
// tenth of the lease, and what it commits is refused. A tick whose holder dies
// is tried again, three times in all unless the job says otherwise.
//
// # How it works
//
// A Scheduler is one loop and a goroutine per run under way; functions that are
// short are called by the loop's own, which another relieves when one of them
// blocks after all. Each step of the loop reads what is due, works out with pure functions what is to become of
// it, and hands the store everything in one [Store.Write]: ends, renewals and
// claims. The store compares versions and refuses what was worked out from
// something that has changed; the next step works it out again. A write whose
// answer was lost is settled by reading the row.
package scheduler
