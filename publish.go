package beforehand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/snapshot"
)

// manifestName is the file that lists what was published, so that what is no
// longer can be removed, and nothing else ever is.
const manifestName = ".beforehand.json"

// publisher keeps the files of a folder equal to the snapshots in service:
// NAME.json, NAME.json.gz and so on. It writes only what the store has, and
// looks at the store again afterwards, so that an older file, written by a
// process that stood still for a while, is mended at the next look.
type publisher struct {
	dir       string
	snapshots snapshot.Store

	revision int64
	heads    map[snapshot.Key]snapshot.Snapshot // in service, without bytes
}

// publish brings the folder to what the store has of the keys. It is cheap when
// nothing has changed: the files are only looked at.
func (p *publisher) publish(ctx context.Context, keys []snapshot.Key) error {
	for range 10 {
		before := p.revision
		if err := p.look(ctx); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		wrote := false
		for _, k := range keys {
			head, ok := p.heads[k]
			if !ok {
				continue
			}
			w, err := p.write(ctx, head)
			if err != nil {
				return fmt.Errorf("publish %s: %w", k, err)
			}
			wrote = wrote || w
		}
		if !wrote && p.revision == before {
			return p.tidy(keys)
		}
	}
	return nil // the store changes faster than files are written: at the next look
}

// look learns what is in service.
func (p *publisher) look(ctx context.Context) error {
	list, err := p.snapshots.Changes(ctx, p.revision)
	if err != nil {
		return err
	}
	if p.heads == nil {
		p.heads = map[snapshot.Key]snapshot.Snapshot{}
	}
	for _, head := range list {
		p.revision = head.Revision
		if head.Held == "" {
			p.heads[head.Key] = head
		}
	}
	return nil
}

// write makes the files of a snapshot that are not as they should be, and
// tells whether there were any.
func (p *publisher) write(ctx context.Context, head snapshot.Snapshot) (bool, error) {
	var s snapshot.Snapshot
	for i, f := range head.Files {
		name, ok := fileName(head.Key, f)
		if !ok || p.equal(name, f) {
			continue
		}
		if s.Version == 0 {
			var err error
			if s, err = p.snapshots.Get(ctx, head.Key, head.Version); errors.Is(err, snapshot.ErrNone) {
				return true, nil // so old by now that it is gone: look again
			} else if err != nil {
				return false, err
			}
		}
		if err := replace(filepath.Join(p.dir, name), s.Files[i]); err != nil {
			return false, err
		}
	}
	return s.Version > 0, nil
}

// equal tells whether a file is the one published: its time of modification is
// the instant its bytes changed.
func (p *publisher) equal(name string, f snapshot.File) bool {
	info, err := os.Stat(filepath.Join(p.dir, name))
	return err == nil && info.Size() == int64(f.Size) && info.ModTime().Equal(f.ChangedAt)
}

// replace writes a file beside its place and renames it, so that a reader sees
// the old one whole or the new one whole.
func replace(path string, f snapshot.File) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".beforehand-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(f.Body)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil && !f.ChangedAt.IsZero() {
		err = os.Chtimes(tmp.Name(), f.ChangedAt, f.ChangedAt)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error says more
	}
	return err
}

// tidy removes the files of these keys that are no longer published. Those of
// reports this process does not know are left to others.
func (p *publisher) tidy(keys []snapshot.Key) error {
	path := filepath.Join(p.dir, manifestName)
	manifest := map[string][]string{}
	old, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(old, &manifest)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("publish: read %s: %w", path, err)
	}
	var gone []string
	for _, k := range keys {
		var names []string
		for _, f := range p.heads[k].Files {
			if name, ok := fileName(k, f); ok {
				names = append(names, filepath.ToSlash(name))
			}
		}
		for _, name := range manifest[k.String()] {
			if !slices.Contains(names, name) && filepath.IsLocal(name) {
				gone = append(gone, name)
			}
		}
		if len(names) > 0 {
			manifest[k.String()] = names
		}
	}
	b, err := json.MarshalIndent(manifest, "", "\t")
	if err != nil || string(b) == string(old) {
		return err
	}
	for _, name := range gone {
		if err := os.Remove(filepath.Join(p.dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return replace(path, snapshot.File{Body: b})
}

// fileName is where a file is published; not all are.
func fileName(k snapshot.Key, f snapshot.File) (string, bool) {
	ending, ok := map[string]string{"": "", "gzip": ".gz", "br": ".br"}[f.Encoding]
	if !ok || k.Params != "" || strings.HasPrefix(f.Format, ".") || !filepath.IsLocal(k.Report) {
		return "", false
	}
	return filepath.FromSlash(k.Report) + "." + f.Format + ending, true
}
