// Package yamlfile reads a YAML file into structs and says of each mistake
// where it is, what is wrong and what is allowed.
//
// A field's key stands in its tag `yaml:"key"`, or `yaml:"key,required"`. A
// type that implements encoding.TextUnmarshaler reads one value from its text.
// A value stands for a list of one where a list is wanted. A struct that has a
// method Check() error is checked after it was read; an error made by At points
// to one of its keys.
package yamlfile

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Error is a mistake in a file.
type Error struct {
	File         string
	Line, Column int    // from 1; a line of zero means that it is not known
	Excerpt      string // the line itself
	Err          error
}

// Error tells the place, what is wrong and, on lines of its own, the excerpt.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	number := strconv.Itoa(e.Line)
	return fmt.Sprintf("%s:%d:%d: %v\n  %s | %s\n  %s   %s^", e.File, e.Line, e.Column, e.Err,
		number, e.Excerpt, strings.Repeat(" ", len(number)), strings.Repeat(" ", max(e.Column-1, 0)))
}

func (e *Error) Unwrap() error { return e.Err }

// fieldError is an error of one key of a struct.
type fieldError struct {
	key string
	err error
}

func (e *fieldError) Error() string { return e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// At says that an error of Check belongs to a key.
func At(key string, err error) error { return &fieldError{key, err} }

// KeyOf is the key that an error of Check belongs to, and the error without it;
// an empty key means that it belongs to none.
func KeyOf(err error) (key string, rest error) {
	var e *fieldError
	if errors.As(err, &e) {
		return e.key, e.err
	}
	return "", err
}

// maxSize bounds a file, maxDepth how far it may nest.
const (
	maxSize  = 1 << 20
	maxDepth = 20
)

// Decode reads text into the struct that v points to. An empty text leaves it
// as it is.
func Decode(file string, text []byte, v any) error {
	d := &decoder{file: file, lines: strings.Split(string(text), "\n")}
	if len(text) > maxSize {
		return &Error{File: file, Err: fmt.Errorf("the file is larger than %d bytes", maxSize)}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return d.syntax(err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return d.value(doc.Content[0], reflect.ValueOf(v).Elem(), 0)
}

type decoder struct {
	file  string
	lines []string
}

// syntax finds the place in an error of the YAML library.
func (d *decoder) syntax(err error) error {
	var load *yaml.LoadError
	if errors.As(err, &load) {
		return d.at(load.Mark.Line, load.Mark.Column, fmt.Errorf("not YAML: %s", load.Message))
	}
	return &Error{File: d.file, Err: fmt.Errorf("not YAML: %w", err)}
}

func (d *decoder) at(line, column int, err error) error {
	e := &Error{File: d.file, Line: line, Column: column, Err: err}
	if line >= 1 && line <= len(d.lines) {
		e.Excerpt = d.lines[line-1]
	}
	return e
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) error {
	return d.at(n.Line, n.Column, fmt.Errorf(format, args...))
}

// value reads a node into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return d.fail(n, "nested too deeply")
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if n.Kind != yaml.ScalarNode {
			return d.fail(n, "a single value is wanted here, not %s", kindName(n))
		}
		if err := u.UnmarshalText([]byte(n.Value)); err != nil {
			return d.at(n.Line, n.Column, err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, v.Elem(), depth)
	case reflect.Struct:
		return d.structure(n, v, depth)
	case reflect.Slice:
		return d.list(n, v, depth)
	case reflect.Map:
		return d.mapping(n, v, depth)
	}
	return d.scalar(n, v)
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// scalar reads a plain value.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.ScalarNode {
		return d.fail(n, "a single value is wanted here, not %s", kindName(n))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if err != nil {
			return d.fail(n, "%q: true or false is wanted here", n.Value)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 10, v.Type().Bits())
		if err != nil {
			return d.fail(n, "%q: a whole number is wanted here", n.Value)
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil {
			return d.fail(n, "%q: a number is wanted here", n.Value)
		}
		v.SetFloat(f)
	default:
		return d.fail(n, "a value of type %s cannot be read", v.Type())
	}
	return nil
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, depth int) error {
	items := n.Content
	if n.Kind != yaml.SequenceNode {
		items = []*yaml.Node{n}
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := d.value(item, list.Index(i), depth+1); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, depth int) error {
	if n.Kind != yaml.MappingNode {
		return d.fail(n, "keys and values are wanted here, not %s", kindName(n))
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(n.Content[i].Value)
		if m.MapIndex(key).IsValid() {
			return d.fail(n.Content[i], "%s is here twice", n.Content[i].Value)
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(n.Content[i+1], value, depth+1); err != nil {
			return err
		}
		m.SetMapIndex(key, value)
	}
	v.Set(m)
	return nil
}

// structure reads keys and values into the fields of a struct.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, depth int) error {
	if n.Kind != yaml.MappingNode {
		return d.fail(n, "keys and values are wanted here, not %s; allowed are %s", kindName(n), allowed(v.Type()))
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		index := fieldOf(v.Type(), key.Value)
		switch {
		case index == nil:
			return d.fail(key, "unknown key %q; allowed are %s", key.Value, allowed(v.Type()))
		case seen[key.Value] != nil:
			return d.fail(key, "%s is here twice, first in line %d", key.Value, seen[key.Value].Line)
		}
		seen[key.Value] = key
		if err := d.value(n.Content[i+1], v.FieldByIndex(index), depth+1); err != nil {
			return err
		}
	}
	for _, f := range fields(v.Type()) {
		if f.required && seen[f.key] == nil {
			return d.fail(n, "the key %q is missing", f.key)
		}
	}
	return d.check(n, v, seen)
}

// check lets a struct check itself.
func (d *decoder) check(n *yaml.Node, v reflect.Value, seen map[string]*yaml.Node) error {
	c, ok := v.Addr().Interface().(interface{ Check() error })
	if !ok {
		return nil
	}
	err := c.Check()
	if err == nil {
		return nil
	}
	var of *fieldError
	if errors.As(err, &of) && seen[of.key] != nil {
		n = seen[of.key]
	}
	return d.at(n.Line, n.Column, err)
}

// field is a key of a struct.
type field struct {
	key      string
	required bool
	help     string
	index    []int
	typ      reflect.Type
}

// fields lists the keys of a struct, those of embedded structs among them.
func fields(t reflect.Type) []field {
	var list []field
	for _, f := range reflect.VisibleFields(t) {
		key, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		list = append(list, field{key, rest == "required", f.Tag.Get("help"), f.Index, f.Type})
	}
	return list
}

func fieldOf(t reflect.Type, key string) []int {
	list := fields(t)
	if i := slices.IndexFunc(list, func(f field) bool { return f.key == key }); i >= 0 {
		return list[i].index
	}
	return nil
}

// allowed lists the keys of a struct.
func allowed(t reflect.Type) string {
	var keys []string
	for _, f := range fields(t) {
		keys = append(keys, f.key)
	}
	return strings.Join(keys, ", ")
}
