package tables

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// notice finds out whether the table was emptied and began anew, and if so
// reads it from its beginning: when no row that was read is there as it was,
// and either the numbers are lower than they were or other rows have them.
func (r *reading) notice(ctx context.Context) error {
	if len(r.at.witnesses) == 0 {
		return nil
	}
	var highest sql.NullInt64
	there := map[int64]string{}
	err := r.DB.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		query := fmt.Sprintf("SELECT MAX(%s) FROM %s", r.DB.Name(r.key), r.DB.Name(r.Config.Table))
		if err := tx.QueryRowContext(ctx, query).Scan(&highest); err != nil {
			return err
		}
		return r.witnesses(ctx, tx, there)
	})
	if err != nil || !highest.Valid { // an empty table: it may just be being filled again
		return err
	}
	for _, w := range r.at.witnesses {
		if there[w.ID] == w.At {
			return nil
		}
	}
	if highest.Int64 >= r.at.ids.last() && len(there) == 0 {
		return nil // old rows were deleted
	}
	r.log().Warn("table began anew: it is read from its beginning",
		"site", r.Site.Name, "table", r.Config.Name, "read_to", r.at.ids.last(), "highest", highest.Int64)
	r.at = &progress{ids: newIDs()}
	return nil
}

// witnesses reads the rows of the witnesses that are there.
func (r *reading) witnesses(ctx context.Context, tx *sql.Tx, there map[int64]string) error {
	var places []string
	var args []any
	for _, w := range r.at.witnesses {
		args = append(args, w.ID)
		places = append(places, r.DB.Whole(len(args)))
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s IN (%s)", r.DB.Column(r.key),
		r.DB.Column(r.Config.Columns.At), r.DB.Name(r.Config.Table), r.DB.Name(r.key), strings.Join(places, ", ")), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var at any
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		there[id], _ = text(at)
	}
	return rows.Err()
}
