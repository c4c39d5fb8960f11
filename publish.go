package beforehand

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

	keys     int // how many were asked for
	revision int64
	heads    map[snapshot.Key]snapshot.Snapshot // in service, without bytes
}

// publish brings the folder to what the store has of the keys, and of these
// reports removes the files of all others. It is cheap when
// nothing has changed: the files are only looked at.
func (p *publisher) publish(ctx context.Context, reports []string, keys []snapshot.Key) error {
	for range 10 {
		before := p.revision
		if err := p.look(ctx, keys); err != nil {
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
			return p.tidy(reports, keys)
		}
	}
	return nil // the store changes faster than files are written: at the next look
}

// look learns what of the keys is in service; new keys are a reason to ask for
// everything.
func (p *publisher) look(ctx context.Context, keys []snapshot.Key) error {
	if len(keys) != p.keys {
		p.keys, p.revision, p.heads = len(keys), 0, map[snapshot.Key]snapshot.Snapshot{}
	}
	list, err := p.snapshots.Changes(ctx, p.revision)
	if err != nil {
		return err
	}
	for _, head := range list {
		p.revision = head.Revision
		if head.Held == "" && slices.Contains(keys, head.Key) {
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
		if err := replace(filepath.Join(p.dir, filepath.FromSlash(name)), s.Files[i]); err != nil {
			return false, err
		}
	}
	return s.Version > 0, nil
}

// equal tells whether a file is the one published: its time of modification is
// the instant its bytes changed.
func (p *publisher) equal(name string, f snapshot.File) bool {
	info, err := os.Stat(filepath.Join(p.dir, filepath.FromSlash(name)))
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

// tidy removes the files of these reports that are no longer published. Those of
// reports this process does not know are left to others.
func (p *publisher) tidy(reports []string, keys []snapshot.Key) error {
	path := filepath.Join(p.dir, manifestName)
	manifest := map[string][]string{}
	old, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(old, &manifest)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("publish: read %s: %w", path, err)
	}
	was := maps.Clone(manifest)
	maps.DeleteFunc(manifest, func(k string, _ []string) bool {
		report, _, _ := strings.Cut(k, "?")
		return slices.Contains(reports, report) &&
			!slices.ContainsFunc(keys, func(other snapshot.Key) bool { return other.String() == k })
	})
	for _, k := range keys {
		var names []string
		for _, f := range p.heads[k].Files {
			if name, ok := fileName(k, f); ok {
				names = append(names, name)
			}
		}
		if len(names) > 0 { // else what lies there is better than nothing
			manifest[k.String()] = names
		}
	}
	var gone []string
	for k, names := range was {
		for _, name := range names {
			if !slices.Contains(manifest[k], name) && filepath.IsLocal(name) {
				gone = append(gone, name)
			}
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

// fileName is where a file is published, with slashes; not all are. One of a
// family lies in a folder of its report's name.
func fileName(k snapshot.Key, f snapshot.File) (string, bool) {
	ending, ok := map[string]string{"": "", "gzip": ".gz", "br": ".br"}[f.Encoding]
	if !ok || strings.HasPrefix(f.Format, ".") || !filepath.IsLocal(k.Report) {
		return "", false
	}
	name := k.Report
	if k.Params != "" {
		name += "/" + paramsName(k.Params)
	}
	return name + "." + f.Format + ending, true
}

// paramsName is a file's name for parameters: {"period":"week","n":7} is
// "period=week,n=7", a text or number itself. What is not a letter, a digit or
// one of . _ - is written as ~ and two digits, and what is too long for a file
// ends with a digest.
func paramsName(params string) string {
	d := json.NewDecoder(strings.NewReader(params))
	d.UseNumber()
	v, err := ordered(d)
	if err != nil { // no JSON: it is a name all the same
		v = params
	}
	var b strings.Builder
	if o, ok := v.(object); ok {
		for i, m := range o {
			if i > 0 {
				b.WriteByte(',')
			}
			writePlain(&b, m.name)
			b.WriteByte('=')
			writePlain(&b, cell(m.value))
		}
	} else {
		writePlain(&b, cell(v))
	}
	name := b.String()
	if len(name) > 100 {
		sum := sha256.Sum256([]byte(params))
		name = name[:60] + "~" + hex.EncodeToString(sum[:12])
	}
	return cmp.Or(name, "~")
}

// writePlain writes text so that it can be a part of any path.
func writePlain(b *strings.Builder, text string) {
	for i := range len(text) {
		c := text[i]
		plain := c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if plain || c == '.' && b.Len() > 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(b, "~%02x", c)
		}
	}
}
