package declared

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand"
)

// table is a result as rows. Values are nil, bool, int64, float64 or string.
type table struct {
	columns []string
	rows    [][]any
}

// query carries out the query.
func (r *Report) query(ctx context.Context) (*table, error) {
	t := &table{}
	size := 0
	err := r.DB.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, r.Config.SQL)
		if err != nil {
			return err
		}
		defer rows.Close()
		if t.columns, err = rows.Columns(); err != nil {
			return err
		}
		if len(t.columns) == 0 {
			return errors.New("the query gives no columns")
		}
		for rows.Next() {
			if len(t.rows) >= r.Config.rows() {
				return fmt.Errorf("the query gives more than %d rows: put a LIMIT into it, or raise the key rows", r.Config.rows())
			}
			row := make([]any, len(t.columns))
			into := make([]any, len(row))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			for i, v := range row {
				row[i] = value(v)
				s, _ := row[i].(string)
				size += len(s) + 8
			}
			if size > maxOutput {
				return fmt.Errorf("the query gives more than %d MiB", maxOutput>>20)
			}
			t.rows = append(t.rows, row)
			if len(t.rows)%1000 == 0 {
				beforehand.Progress(ctx, int64(len(t.rows)), 0, "rows")
			}
		}
		return rows.Err()
	})
	if err == nil {
		r.log(ctx).Info("rows read", "rows", len(t.rows))
	}
	return t, err
}

// Explain asks the database whether the query is one, without carrying it out.
func (r *Report) Explain(ctx context.Context) error {
	return r.DB.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "EXPLAIN "+r.Config.SQL)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	})
}

// value is a value of a database as one of JSON.
func value(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case float32:
		return value(float64(v))
	case int32:
		return int64(v)
	case []byte:
		return numeric(string(v))
	case string:
		return v
	case time.Time:
		if v.Hour() == 0 && v.Minute() == 0 && v.Second() == 0 && v.Nanosecond() == 0 {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339)
	case nil, bool, int64:
		return v
	}
	return fmt.Sprint(v)
}

// numeric is a text that a driver hands out for a DECIMAL, as the number it is;
// what is none stays text, made valid.
func numeric(s string) any {
	if f, err := strconv.ParseFloat(s, 64); err == nil && json.Valid([]byte(s)) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		return f
	}
	if !utf8.ValidString(s) {
		return fmt.Sprintf("%x", s)
	}
	return s
}

// json is a list of objects whose members come in the order of the columns.
func (t *table) json() ([]byte, error) {
	b := bytes.NewBufferString("[")
	for i, row := range t.rows {
		if i > 0 {
			b.WriteString(",\n")
		}
		for j, v := range row {
			name, err := json.Marshal(t.columns[j])
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			sign := byte(',')
			if j == 0 {
				sign = '{'
			}
			b.WriteByte(sign)
			b.Write(name)
			b.WriteByte(':')
			b.Write(text)
		}
		b.WriteByte('}')
	}
	b.WriteString("]\n")
	return b.Bytes(), nil
}

// parseTable reads rows: CSV with a header, or a list of objects.
func parseTable(format string, body []byte, most int) (*table, error) {
	var t *table
	var err error
	if format == "csv" {
		t, err = parseCSV(body)
	} else {
		t, err = parseJSON(body)
	}
	if err == nil && len(t.rows) > most {
		return nil, fmt.Errorf("%d rows came; allowed are %d, or what rows: says", len(t.rows), most)
	}
	return t, err
}

func parseCSV(body []byte) (*table, error) {
	list, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))).ReadAll()
	if err != nil {
		return nil, err
	}
	t := &table{columns: list[0]}
	for _, fields := range list[1:] {
		row := make([]any, len(fields))
		for i, f := range fields {
			row[i] = numeric(f)
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

var errNoRows = errors.New("what came is no list of objects, which rows are made of")

func parseJSON(body []byte) (*table, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, errNoRows
	}
	t := &table{}
	for _, text := range list {
		row, err := t.object(text)
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

// object reads a row. The first one says which columns there are.
func (t *table) object(text json.RawMessage) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoRows
	}
	first := t.columns == nil
	members := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		if n, ok := v.(json.Number); ok {
			v = numeric(n.String())
		}
		if first {
			t.columns = append(t.columns, name.(string))
		}
		members[name.(string)] = v
	}
	row := make([]any, len(t.columns))
	for i, c := range t.columns {
		row[i] = members[c]
	}
	return row, nil
}
