package yamlfile

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// Reference is a table in Markdown of every key that a struct takes, with the
// text of its tag `help`. It fails for a key that has none.
func Reference(v any) (string, error) {
	var b strings.Builder
	b.WriteString("| key | value | what it is |\n|---|---|---|\n")
	err := describe(&b, reflect.TypeOf(v), "")
	return b.String(), err
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

func describe(b *strings.Builder, t reflect.Type, prefix string) error {
	for _, f := range fields(t) {
		key := prefix + f.key
		if f.help == "" {
			return fmt.Errorf("the key %s has no help", key)
		}
		inner, kind := valueKind(f.typ)
		if f.required {
			kind += ", required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", key, kind, strings.ReplaceAll(f.help, "|", `\|`))
		if inner == nil {
			continue
		}
		suffix := "."
		switch f.typ.Kind() {
		case reflect.Slice:
			suffix = "[]."
		case reflect.Map:
			suffix = ".NAME."
		}
		if err := describe(b, inner, key+suffix); err != nil {
			return err
		}
	}
	return nil
}

// valueKind says in a word what a key takes, and gives the struct that it or
// its members are read into, if that is what they are.
func valueKind(t reflect.Type) (inner reflect.Type, kind string) {
	if reflect.PointerTo(t).Implements(textType) {
		return nil, "text"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return valueKind(t.Elem())
	case reflect.Struct:
		return t, "keys"
	case reflect.Slice:
		inner, kind := valueKind(t.Elem())
		return inner, "list of " + kind
	case reflect.Map:
		inner, kind := valueKind(t.Elem())
		return inner, "names, each with " + kind
	case reflect.Bool:
		return nil, "true or false"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return nil, "number"
	}
	return nil, "text"
}
