package snapshot

import (
	"encoding/json"
	"fmt"
)

// Encode splits a snapshot for keeping: its facts as JSON, and the bytes of
// all files one after the other. Base and Keep are not part of either.
func Encode(s Snapshot) (head, body []byte, err error) {
	head, err = json.Marshal(s)
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", s.Key, err)
	}
	body = make([]byte, 0, s.Size())
	for _, f := range s.Files {
		body = append(body, f.Body...)
	}
	return head, body, nil
}

// DecodeHead returns the snapshot without the bytes of its files.
func DecodeHead(head []byte) (Snapshot, error) {
	var s Snapshot
	if err := json.Unmarshal(head, &s); err != nil {
		return Snapshot{}, fmt.Errorf("decode snapshot: %w: %w", ErrCorrupt, err)
	}
	return s, nil
}

// Decode joins what [Encode] split, and verifies it.
func Decode(head, body []byte) (Snapshot, error) {
	s, err := DecodeHead(head)
	if err != nil {
		return Snapshot{}, err
	}
	for i := range s.Files {
		f := &s.Files[i]
		if f.Size < 0 || f.Size > len(body) {
			return Snapshot{}, fmt.Errorf("decode %s version %d: %w", s.Key, s.Version, ErrCorrupt)
		}
		f.Body, body = body[:f.Size:f.Size], body[f.Size:]
	}
	if len(body) > 0 {
		return Snapshot{}, fmt.Errorf("decode %s version %d: %w", s.Key, s.Version, ErrCorrupt)
	}
	return s, s.Verify()
}
