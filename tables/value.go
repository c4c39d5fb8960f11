package tables

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// text is a value of a column as text; false for NULL.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case []byte:
		return string(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case time.Time:
		return v.Format(time.RFC3339Nano), true
	}
	return fmt.Sprint(v), true
}

// position is the key of a row, as it is kept in a mark and handed back to the
// database.
type position []any

// MarshalJSON writes each value as a text whose first letter tells its type.
func (p position) MarshalJSON() ([]byte, error) {
	list := make([]string, len(p))
	for i, v := range p {
		s, _ := text(v)
		switch v.(type) {
		case int64:
			s = "i" + s
		case float64:
			s = "f" + s
		case time.Time:
			s = "t" + s
		default:
			s = "s" + s
		}
		list[i] = s
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *position) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*p = nil
	for _, s := range list {
		if s == "" {
			return fmt.Errorf("a value without type")
		}
		var v any
		var err error
		switch s[0] {
		case 'i':
			v, err = strconv.ParseInt(s[1:], 10, 64)
		case 'f':
			v, err = strconv.ParseFloat(s[1:], 64)
		case 't':
			v, err = time.Parse(time.RFC3339Nano, s[1:])
		default:
			v = s[1:]
		}
		if err != nil {
			return err
		}
		*p = append(*p, v)
	}
	return nil
}
