package duckdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Recount adds up a site's raw rows anew and tells where what is added up
// differs. With repair, that is replaced. Days whose raw rows are gone are passed
// over.
func (s *Store) Recount(ctx context.Context, name string, repair bool) ([]pageview.Wrong, error) {
	wrong, err := s.recount(ctx, name, repair)
	if err != nil {
		return nil, fmt.Errorf("recount %s: %w", name, err)
	}
	return wrong, nil
}

func (s *Store) recount(ctx context.Context, name string, repair bool) ([]pageview.Wrong, error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	site, known := v.sites[name]
	if !known {
		return nil, fmt.Errorf("there is no site %q", name)
	}
	if err := s.fold(ctx, name, s.dimensions(site.id)); err != nil {
		return nil, err
	}
	s.folding.Lock() // nothing is added up meanwhile
	defer s.folding.Unlock()
	if err := s.written(db, site.id); err != nil {
		return nil, err
	}
	tx, err := begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer tx.end()
	if _, err := tx.ExecContext(ctx, `CREATE OR REPLACE TEMP TABLE recounted AS SELECT * FROM rollups LIMIT 0`); err != nil {
		return nil, err
	}
	if err := s.recountInto(ctx, tx, v, site); err != nil {
		return nil, err
	}
	wrong, err := differing(ctx, tx, site.id)
	if err != nil || len(wrong) == 0 || !repair {
		return wrong, err
	}
	for _, query := range []string{
		`DELETE FROM rollups WHERE site = %d AND "day" NOT IN (SELECT "day" FROM gone WHERE site = %[1]d AND source <> 0)`,
		`INSERT INTO rollups SELECT * FROM temp.recounted WHERE site = %d`,
	} {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(query, site.id)); err != nil {
			return nil, err
		}
	}
	s.marks.Lock()
	defer s.marks.Unlock()
	s.mirror.clear()
	return wrong, tx.commit(ctx)
}

// recountInto adds up raw rows anew, each dimension up to where it is added up.
func (s *Store) recountInto(ctx context.Context, tx *session, v *view, site site) error {
	through := map[uint64][]rolled{}
	for _, d := range s.dimensions(site.id) {
		seq := s.marks.of[markKey{site.id, d}].seq
		through[seq] = append(through[seq], d)
	}
	for _, seq := range slices.Sorted(maps.Keys(through)) {
		f := folder{conn: tx.Conn, v: v.at(seq), site: site, late: seq, dims: through[seq], into: [2]string{"temp", "recounted"}, most: s.foldMost}
		if _, err := f.addAll(ctx); err != nil {
			return err
		}
	}
	return nil
}

// differing compares what is added up with what was recounted.
func differing(ctx context.Context, tx *session, site uint16) ([]pageview.Wrong, error) {
	const query = `
		SELECT "day", dimension, count(*) FROM (
		  SELECT "day", dimension, key FROM (
		    SELECT "day", dimension, key, pageviews, visits, visitors FROM rollups WHERE site = $1
		    UNION ALL
		    SELECT "day", dimension, key, -pageviews, -visits, -visitors FROM temp.recounted
		  )
		  WHERE "day" NOT IN (SELECT "day" FROM gone WHERE site = $1 AND source <> 0)
		  GROUP BY ALL HAVING sum(pageviews) <> 0 OR sum(visits) <> 0 OR sum(visitors) <> 0
		) GROUP BY ALL ORDER BY ALL`
	var wrong []pageview.Wrong
	err := each(ctx, tx, query, func(scan func(...any) error) error {
		var w pageview.Wrong
		var day time.Time
		var d rolled
		err := scan(&day, &d, &w.Values)
		w.Day, w.Dimension = pageview.DayOf(day.UTC()), d.String()
		wrong = append(wrong, w)
		return err
	}, site)
	return wrong, err
}

// String is the dimension's name.
func (r rolled) String() string {
	switch {
	case r.kind() == bots:
		return r.base().String() + " of bots"
	case r.kind() == mixed:
		return r.base().String() + " of both persons and bots"
	case r == rolledDay:
		return "day"
	case r >= rolledScore:
		return fmt.Sprintf("score %s", strings.TrimSuffix((time.Duration(r-rolledScore)*time.Hour).String(), "0m0s"))
	}
	for d, number := range rolledDimensions {
		if number == r {
			return string(d)
		}
	}
	return fmt.Sprint(uint32(r))
}
