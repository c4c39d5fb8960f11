package snapshot

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestBuildKeepsWhatDidNotChange(t *testing.T) {
	calls := 0
	counting := Gzip()
	pack := counting.Encode
	counting.Encode = func(b []byte) ([]byte, error) { calls++; return pack(b) }
	encoders := []Encoder{counting}
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	formats := []Format{{Name: "json", Body: longJSON}, {Name: "csv", Body: []byte("a\n1\n")}}

	before, err := Build(formats, encoders, nil, first)
	if err != nil || len(before) != 3 || calls != 2 {
		t.Fatalf("%d files, %d calls, %v; want json, json gzip and csv", len(before), calls, err)
	}
	formats[1].Body = []byte("a\n2\n")
	after, err := Build(formats, encoders, before, first.Add(time.Hour))
	if err != nil || len(after) != 3 {
		t.Fatalf("%d files, %v", len(after), err)
	}
	for i, want := range []time.Time{first, first, first.Add(time.Hour)} {
		if !after[i].ChangedAt.Equal(want) {
			t.Errorf("%s %q changed at %v, want %v", after[i].Format, after[i].Encoding, after[i].ChangedAt, want)
		}
	}
	if calls != 3 {
		t.Errorf("%d calls of the encoder, want one more for what changed", calls)
	}
	if after[1].Tag != before[1].Tag || after[2].Tag == before[2].Tag {
		t.Error("a tag must change with its bytes and only then")
	}
}

func TestBuildAddsAnEncoderToAnUnchangedResult(t *testing.T) {
	formats := []Format{{Name: "json", Body: longJSON}}
	before, err := Build(formats, nil, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	after, err := Build(formats, []Encoder{Gzip()}, before, time.Now())
	if err != nil || len(after) != 2 {
		t.Fatalf("%d files, %v; want the gzip one too", len(after), err)
	}
}

// What is short could be "encoded" into as many bytes.
func TestBuildLeavesOutAnEncodingThatIsNotATwentiethSmaller(t *testing.T) {
	for _, tt := range []struct {
		plain, encoded int
		kept           bool
	}{{0, 0, false}, {1, 1, false}, {6, 6, false}, {6, 5, true}, {19, 19, false}, {100, 96, false}, {100, 95, true}} {
		e := Encoder{Name: "br", Encode: func([]byte) ([]byte, error) { return make([]byte, tt.encoded), nil }}
		files, err := Build([]Format{{Name: "txt", Body: make([]byte, tt.plain)}}, []Encoder{e}, nil, time.Now())
		if kept := len(files) == 2; err != nil || kept != tt.kept {
			t.Errorf("%d bytes as %d: kept %t, %v", tt.plain, tt.encoded, kept, err)
		}
	}
}

func TestBuildReportsAnEncoderThatFails(t *testing.T) {
	bad := Encoder{Name: "br", Encode: func([]byte) ([]byte, error) { return nil, errors.New("no window") }}
	if _, err := Build([]Format{{Name: "json", Body: longJSON}}, []Encoder{bad}, nil, time.Now()); err == nil {
		t.Fatal("no error")
	}
}

func TestDecodeFindsWhatIsCorrupt(t *testing.T) {
	head, body, err := Encode(made(t, Format{Name: "json", Body: longJSON}, Format{Name: "csv", Body: nil}))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Decode(head, body); err != nil || len(s.Files) != 3 || !bytes.Equal(s.Files[0].Body, longJSON) {
		t.Fatalf("decoded %d files, %v", len(s.Files), err)
	}
	for _, at := range []int{0, len(body) / 2, len(body) - 1} {
		b := bytes.Clone(body)
		b[at] ^= 1
		if _, err := Decode(head, b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("a bit changed at %d: %v", at, err)
		}
	}
	for _, b := range [][]byte{body[1:], body[:len(body)-1], append(bytes.Clone(body), 'x'), nil} {
		if _, err := Decode(head, b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes of %d: %v", len(b), len(body), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	head, body, err := Encode(made(f, Format{Name: "json", Body: longJSON}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(head, body)
	f.Add([]byte(`{"files":[{"size":-1}]}`), []byte("x"))
	f.Fuzz(func(t *testing.T, head, body []byte) {
		s, err := Decode(head, body)
		if err == nil && s.Verify() != nil {
			t.Fatal("what Decode returned does not verify")
		}
	})
}

func TestPicturesThatAreCompressedAreNotCompressedAgain(t *testing.T) {
	for name, want := range map[string]int{"png": 1, "svg": 2} {
		files, err := Build([]Format{{Name: name, Body: longJSON}}, []Encoder{Gzip()}, nil, time.Now())
		if err != nil || len(files) != want {
			t.Errorf("%s has %d files, want %d, error %v", name, len(files), want, err)
		}
	}
}
