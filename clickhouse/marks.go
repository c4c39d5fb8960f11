package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/beforehand-go/beforehand/pageview"
)

// Mark implements pageview.Store.
func (s *Store) Mark(ctx context.Context, site, source string) (string, error) {
	v, err := s.current(ctx)
	var at string
	if err == nil {
		at, err = s.markAt(ctx, v, site, source)
	}
	if err != nil {
		return "", fmt.Errorf("look up mark of %s: %w", source, err)
	}
	return at, nil
}

func (s *Store) markAt(ctx context.Context, v *view, site, source string) (at string, err error) {
	query := fmt.Sprintf(`SELECT value FROM ledger WHERE kind = %d AND name = %s AND site = %s AND block > %d ORDER BY block DESC LIMIT 1`,
		kindMark, quote(source), quote(site), v.sites[site].since)
	err = s.server.each(ctx, query, func(scan func(...any) error) error { return scan(&at) })
	return at, err
}

// Logs implements pageview.Store.
func (s *Store) Logs(ctx context.Context, site string, first uint64) ([]pageview.KnownLog, error) {
	v, err := s.current(ctx)
	var files []logFile
	if err == nil {
		files, err = s.logs(ctx, v, site, first)
	}
	if err != nil {
		return nil, fmt.Errorf("look up log file: %w", err)
	}
	var known []pageview.KnownLog
	for _, f := range files {
		known = append(known, pageview.KnownLog{Prints: f.Prints, Mark: f.Mark})
	}
	return known, nil
}

// logFile is a log file as the ledger has it.
type logFile struct {
	File   string          `json:"file"` // tells it from others that begin with the same line
	Prints pageview.Prints `json:"prints"`
	Mark   pageview.Mark   `json:"mark"`
}

// logs are the files that begin with a line, each as it was read last, in the
// order in which they became known.
func (s *Store) logs(ctx context.Context, v *view, site string, first uint64) (files []logFile, err error) {
	query := fmt.Sprintf(`SELECT argMax(value, block) FROM ledger WHERE kind = %d AND name = '%d' AND site = %s AND block > %d
		GROUP BY visitParamExtractString(value, 'file') ORDER BY min(block)`, kindLog, first, quote(site), v.sites[site].since)
	err = s.server.each(ctx, query, func(scan func(...any) error) error {
		var value string
		var f logFile
		err := scan(&value)
		if err == nil {
			err = json.Unmarshal([]byte(value), &f)
		}
		files = append(files, f)
		return err
	})
	return files, err
}

// follows tells which of the known files a step goes on with. It refuses a step
// that does not begin where the last one ended, and a new file of which somebody
// else has become known meanwhile.
func follows(files []logFile, step *pageview.LogStep) (file string, err error) {
	if step.New {
		if len(files) != step.Beside {
			return "", pageview.ErrLogMoved
		}
		return "", nil
	}
	i := slices.IndexFunc(files, func(f logFile) bool { return f.Mark == step.From })
	if i < 0 {
		return "", pageview.ErrLogMoved
	}
	return files[i].File, nil
}

// logValue is what the ledger has of a log file after a step; file is what a new
// one is called.
func (s *Store) logValue(ctx context.Context, step *pageview.LogStep, file string) (string, error) {
	if !step.New {
		files, err := s.logs(ctx, s.view.Load(), step.Site, step.Prints[0])
		if err == nil {
			file, err = follows(files, step)
		}
		if err != nil {
			return "", err
		}
	}
	value, err := json.Marshal(logFile{file, step.Prints, step.To})
	return string(value), err
}

// marked is what of a group the marks of its sources are checked by.
type marked struct {
	log  *pageview.LogStep
	mark *pageview.MarkStep
}

// followsMarks refuses what does not begin where the last of its source ended.
func (s *Store) followsMarks(ctx context.Context, m marked) error {
	v := s.view.Load()
	if m.log != nil {
		files, err := s.logs(ctx, v, m.log.Site, m.log.Prints[0])
		if err == nil {
			_, err = follows(files, m.log)
		}
		if err != nil {
			return err
		}
	}
	if m.mark != nil {
		at, err := s.markAt(ctx, v, m.mark.Site, m.mark.Source)
		if err == nil && at != m.mark.From {
			err = pageview.ErrMarkMoved
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// appendMarked keeps a batch that moves a mark. The mark is in ClickHouse, where
// other processes see it; so the batch is refused there, and is kept when it is
// there. One at a time: nothing else of this process moves a mark meanwhile.
func (s *Store) appendMarked(ctx context.Context, b *pageview.Batch, r *request) error {
	s.marking.Lock()
	defer s.marking.Unlock()
	look, cancel := ctx, context.CancelFunc(func() {})
	if !b.Wait {
		look, cancel = context.WithTimeout(ctx, s.config.Wait)
	}
	defer cancel()
	err := s.sender.flush(look, s.spool.Last())
	if err == nil {
		if _, err = s.refresh(look); err == nil {
			err = s.followsMarks(look, marked{b.Log, b.Mark})
		}
	}
	if err != nil && look.Err() != nil && ctx.Err() == nil {
		return errors.Join(pageview.ErrBusy, err)
	}
	if err != nil {
		return err
	}
	if err := s.intake.put(ctx, r); err != nil {
		return err
	}
	if err := s.sender.flush(ctx, r.id); err != nil {
		return err
	}
	return s.sender.refusal(r.id)
}
