package beforehand

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

// Files is what a report's function returns when it writes its formats itself:
// bytes by format, such as "json" or "svg". CSV, HTML and Markdown are
// made from the JSON, or from the CSV, where they are not among them.
type Files map[string][]byte

// valueFormat is where a value's JSON is kept when the report's own "json"
// format is another. A leading dot is never served.
const valueFormat = ".value"

// encodeValue returns the JSON that keeps a value.
func encodeValue[T any](v T) ([]byte, error) {
	b, err := json.Marshal(&v) // the pointer, for methods that have one
	if err != nil {
		return nil, fmt.Errorf("encode value: %w", err)
	}
	return append(b, '\n'), nil
}

// decodeValue reads the value a snapshot keeps.
func decodeValue[T any](s *snapshot.Snapshot) (T, error) {
	var v T
	if files, ok := any(&v).(*Files); ok {
		*files = Files{}
		for _, f := range s.Files {
			if f.Encoding == "" {
				(*files)[f.Format] = f.Body
			}
		}
		return v, nil
	}
	f, ok := s.File(valueFormat, "")
	if !ok {
		if f, ok = s.File("json", ""); !ok {
			return v, fmt.Errorf("decode value of %s: the snapshot keeps none", s.Key)
		}
	}
	if err := json.Unmarshal(f.Body, &v); err != nil {
		return v, fmt.Errorf("decode value of %s: %w", s.Key, err)
	}
	return v, nil
}

// survives tells whether a value is the same after it was kept as JSON. Nil
// and empty, and a time's zone and monotonic reading, count as the same.
func survives[T any](v T) error {
	if _, ok := any(v).(Files); ok {
		return nil
	}
	b, err := encodeValue(v)
	if err != nil {
		return err
	}
	var back T
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&back); err != nil {
		return fmt.Errorf("the value cannot be read back from its JSON: %w", err)
	}
	if path, ok := same(reflect.ValueOf(&v).Elem(), reflect.ValueOf(&back).Elem(), "value"); !ok {
		return fmt.Errorf("%s of type %T does not come back from JSON as it was; export the field, or give the type MarshalJSON and UnmarshalJSON", path, v)
	}
	return nil
}

// same compares two values of one type and returns the path to the first
// difference.
func same(a, b reflect.Value, path string) (string, bool) {
	if at, ok := timeOf(a); ok {
		bt, _ := timeOf(b)
		return path, at.Equal(bt)
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return path, a.IsNil() == b.IsNil()
		}
		if a.Elem().Type() != b.Elem().Type() {
			return path, false
		}
		return same(a.Elem(), b.Elem(), path)
	case reflect.Struct:
		for i := range a.NumField() {
			if p, ok := same(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name); !ok {
				return p, false
			}
		}
		return "", true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return path, false
		}
		for i := range a.Len() {
			if p, ok := same(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i)); !ok {
				return p, false
			}
		}
		return "", true
	case reflect.Map:
		if a.Len() != b.Len() {
			return path, false
		}
		for _, k := range a.MapKeys() {
			if p := fmt.Sprintf("%s[%v]", path, k); !b.MapIndex(k).IsValid() {
				return p, false
			} else if p, ok := same(a.MapIndex(k), b.MapIndex(k), p); !ok {
				return p, false
			}
		}
		return "", true
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return path, a.IsZero() && b.IsZero()
	}
	return path, a.Equal(b)
}

func timeOf(v reflect.Value) (time.Time, bool) {
	if v.Type() != reflect.TypeFor[time.Time]() || !v.CanInterface() {
		return time.Time{}, false
	}
	t, ok := v.Interface().(time.Time)
	return t, ok
}

// definition hashes what a result is computed by: the owner's word for it, and
// the shape of the type.
func definition(word string, t reflect.Type) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %s", word, shape(t, nil))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:16]
}

// shape writes a type as JSON sees it.
func shape(t reflect.Type, within []reflect.Type) string {
	if slices.Contains(within, t) {
		return t.String()
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Struct:
		var b strings.Builder
		for f := range t.Fields() {
			if f.IsExported() {
				fmt.Fprintf(&b, "%s %q %s;", f.Name, f.Tag.Get("json"), shape(f.Type, within))
			}
		}
		return t.String() + "{" + b.String() + "}"
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return t.Kind().String() + " " + shape(t.Elem(), within)
	case reflect.Map:
		return "map " + shape(t.Key(), within) + " " + shape(t.Elem(), within)
	}
	return t.String()
}
