// Package trigger says when: a trigger is a pure rule from an instant to the
// next due instant. It has no clock, starts no goroutine and keeps nothing; it
// can be used without the rest of this module.
//
// The seam is one method, [Trigger.Next]. Every trigger of this package is a
// value that is never changed after it was made, may be used by any number of
// goroutines, and gives the same due instants in every process and after every
// restart. It prints, and marshals, as a text that [Parse] reads back.
//
//	t := trigger.MustCron("0 4 * * 1-5").In(london)
//	next := t.Next(time.Now())
//
// # Triggers
//
// [Every] counts elapsed time from a fixed instant. [Daily], [Weekly],
// [Monthly] and [Cron] follow a local clock; [At] is a list of instants and
// [Never] none. [Union], [Only], [Except], [Between], [Limit] and [Jitter] make
// triggers of triggers. [EveryAfter] and [Fresh] go by the job's last runs.
//
// # Facts
//
// Some triggers need to know of the job they belong to: its name (Jitter, and H
// in a cron expression), how many ticks it has had (Limit), when its last run
// ended and how long it took (EveryAfter, Fresh). [Bind] fills these [Facts] in.
// What it returns is good until they change.
//
// # Daylight saving
//
// Local clocks jump. Where they go forward, local times are left out (a gap);
// where they go back, local times are repeated (a fold). What becomes of them is
// the rule of Vixie cron, or what [Saving] asks for instead:
//
//	trigger                      gap                               fold
//	names hours and minutes      once, at the first instant after  first pass only
//	star, ? or / in hours,       left out                          both passes
//	minutes or seconds
//
// So a daily job runs once each day and an hourly job once each hour, on the two
// odd days as well. The rule holds in every zone: for jumps of half an hour, at
// midnight, and of a whole day, which is the one gap that is not caught up.
// [Explain] tells of each tick what happened to it.
//
// A trigger with a local clock and no zone goes by UTC, not by the zone of the
// machine, so that replicas agree.
//
// # Guarantees
//
// Next is always later than its argument and strictly increasing, for every
// zone and expression. Searches are bounded: what is not found within 400 years
// is never due. Next allocates nothing.
package trigger
