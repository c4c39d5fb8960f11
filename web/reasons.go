package web

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// reason is a sentence of the scheduler's that is said in the reader's language
// and zone. What a pattern catches is put into the sentence, instants as times.
type reason struct {
	pattern *regexp.Regexp
	word    string
}

const anInstant = `(\d{4}-\d\d-\d\dT[0-9:.]+Z)`

var reasons = []reason{
	{regexp.MustCompile(`^the job (?:is|was) paused$`), "reason_paused"},
	{regexp.MustCompile(`^the tick of ` + anInstant + ` is waiting already$`), "reason_coalesced"},
	{regexp.MustCompile(`^the tick of ` + anInstant + ` is still running$`), "reason_running"},
	{regexp.MustCompile(`^the tick of ` + anInstant + ` is still waiting$`), "reason_waiting"},
	{regexp.MustCompile(`^the run was cancelled: the tick of ` + anInstant + ` is due$`), "reason_newer"},
	{regexp.MustCompile(`^the tick of ` + anInstant + ` is due$`), "reason_newer"},
	{regexp.MustCompile(`^(?:the run was cancelled: )?cancelled on request$`), "reason_cancelled"},
	{regexp.MustCompile(`^(?:the run was cancelled: )?the job is removed$`), "reason_removed"},
	{regexp.MustCompile(`^the run exceeded its timeout$`), "reason_timeout"},
	{regexp.MustCompile(`^(\S+) late, more than the grace of (\S+)$`), "reason_late"},
	{regexp.MustCompile(`^(\d+(?: or more)?) passed unrun; the one after them stands for them$`), "reason_latest"},
	{regexp.MustCompile(`^(\d+(?: or more)?) passed unrun, and the job does not catch up$`), "reason_skipped"},
	{regexp.MustCompile(`^(\d+(?: or more)?) passed unrun, more than the job catches up with$`), "reason_bound"},
	{regexp.MustCompile(`^(.+) is gone$`), "reason_gone"},
	{regexp.MustCompile(`^(.+) did not renew its lease of (\S+)$`), "reason_silent"},
	{regexp.MustCompile(`^lost: (.+)$`), "reason_lost"},
	{regexp.MustCompile(`^the lease was lost$`), "reason_lease"},
	{regexp.MustCompile(`^(\d+) ticks are waiting to be caught up with already$`), "reason_full"},
	{regexp.MustCompile(`^handed back: (.+)$`), "reason_back"},
	{regexp.MustCompile(`^the scheduler is shutting down$`), "reason_shutdown"},
	{regexp.MustCompile(`^the function ignored the shutdown$`), "reason_deaf"},
	{regexp.MustCompile(`^(.+); the function ignored it for (\S+)$`), "reason_ignored"},
	{regexp.MustCompile(`^(\S+) (?:has|was) (failed|timed out|cancelled|missed|coalesced|skipped)$`), "reason_followed"},

	{regexp.MustCompile(`^the store does not answer since ` + anInstant + `: (.+)$`), "health_store"},
	{regexp.MustCompile(`^the loop stands still since ` + anInstant + `$`), "health_loop"},
	{regexp.MustCompile(`^the clock went forward by (\S+): it was set, or the machine slept$`), "health_forward"},
	{regexp.MustCompile(`^the clock went back by (\S+): it was set, or the machine slept$`), "health_back"},
	{regexp.MustCompile(`^the clock was set back: (\d+) jobs had ticks up to ` + anInstant + ` and are due again only after that; ask them to run, or set the clock$`), "health_ahead"},
	{regexp.MustCompile(`^(\d+) runs ignored the end of their context and still go on$`), "health_stuck"},
}

// Reason is why a tick ended as it did; an error stays in its own words.
func (p jobPen) Reason(text string) string {
	for _, r := range reasons {
		m := r.pattern.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		var put []any
		for _, part := range m[1:] {
			if part == "" {
				return text
			}
			put = append(put, p.said(part))
		}
		return fmt.Sprintf(p.words[r.word], put...)
	}
	return text
}

// FirstLine is the first line of a reason, where a panic has its stack below.
func (p jobPen) FirstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(p.Reason(text)), "\n")
	if r := []rune(line); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return line
}

// said is an instant or a duration in the reader's way; anything else as it is.
func (p jobPen) said(part string) string {
	if at, err := time.Parse(time.RFC3339Nano, part); err == nil {
		return p.clock.exact(at)
	}
	if d, err := time.ParseDuration(part); err == nil {
		return p.Span(d)
	}
	if n, more := strings.CutSuffix(part, " or more"); more {
		return fmt.Sprintf(p.words["at_least"], n)
	}
	if word := p.outcome(scheduler.Outcome(part)); word != part {
		return word
	}
	return p.Reason(part)
}

// Why is why a result is stale.
func (p pen) Why(reason string) string {
	switch reason {
	case "overdue":
		return p.words["why_overdue"]
	case "the last run failed", "the last computation failed":
		return p.words["why_failed"]
	case "a newer result is held for approval":
		return p.words["why_held"]
	}
	if outcome, ok := strings.CutPrefix(reason, "the last run was "); ok {
		return fmt.Sprintf(p.words["why_outcome"], p.outcome(scheduler.Outcome(outcome)))
	}
	return reason
}
