package beforehand

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

// one is a member of a family that is held here.
type one[P, T any] struct {
	c      *core
	params P
	always bool
	value  atomic.Pointer[kept[T]]
	read   atomic.Int64 // when last read, in nanoseconds

	mu       sync.Mutex
	flight   chan struct{} // closed when the computation under way ends; nil without one
	failures int
	retry    time.Time // not to be tried again before
}

// find returns the one for parameters, making a place for it if need be; nil if
// there is none to be had.
func (f *Family[P, T]) find(params P) (*one[P, T], error) {
	key, err := json.Marshal(&params)
	if err != nil {
		return nil, err
	}
	if o, ok := f.ones.Load(string(key)); ok {
		o := o.(*one[P, T])
		o.read.Store(time.Now().UnixNano())
		return o, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, held := f.ones.Load(string(key)); !held && f.count >= f.policy.Max && !f.evict(nil) {
		return nil, nil
	}
	o, held := f.hold(string(key), params)
	if !held {
		f.count++
	}
	o.read.Store(time.Now().UnixNano())
	return o, nil
}

// hold returns the one of a key, and whether it was held before.
func (f *Family[P, T]) hold(key string, params P) (_ *one[P, T], held bool) {
	if o, ok := f.ones.Load(key); ok {
		return o.(*one[P, T]), true
	}
	o := &one[P, T]{c: f.newCore(key), params: params}
	o.c.decode = o.decode
	o.value.Store(&kept[T]{})
	o.c.follow(f.state())
	f.ones.Store(key, o)
	return o, false
}

func (o *one[P, T]) decode(s *snapshot.Snapshot) (func(), error) {
	v, err := decodeValue[T](s)
	return func() { o.value.Store(&kept[T]{v, *s}) }, err
}

// all returns those held, the one read longest ago first.
func (f *Family[P, T]) all() []*one[P, T] {
	var list []*one[P, T]
	f.ones.Range(func(_, o any) bool {
		list = append(list, o.(*one[P, T]))
		return true
	})
	slices.SortFunc(list, func(a, b *one[P, T]) int { return cmp.Compare(a.read.Load(), b.read.Load()) })
	return list
}

// evict lets go of the one read longest ago that can be, and is not the one to
// be spared. The caller holds mu.
func (f *Family[P, T]) evict(spare *one[P, T]) bool {
	for _, o := range f.all() {
		if o != spare && o.idle() {
			f.ones.Delete(o.c.params)
			f.count--
			return true
		}
	}
	return false
}

// idle tells whether one can be let go: it is not always held, nor being
// computed.
func (o *one[P, T]) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.always && o.flight == nil
}

// fit lets go of what is beyond the bytes to be held.
func (f *Family[P, T]) fit(spare *one[P, T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		bytes := 0
		for _, o := range f.all() {
			s := o.c.served.Load().Snapshot()
			bytes += s.Size()
		}
		if bytes <= f.policy.MaxBytes || !f.evict(spare) {
			return
		}
	}
}

// drop lets go of one that nobody reads.
func (f *Family[P, T]) drop(o *one[P, T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if held, ok := f.ones.Load(o.c.params); ok && held == o && o.idle() {
		f.ones.Delete(o.c.params)
		f.count--
	}
}

// sweep deletes from the state what is beyond ten times what may be held, the
// results computed longest ago first.
func (f *Family[P, T]) sweep(ctx context.Context) error {
	store := f.site.state.Snapshots()
	list, err := store.Changes(ctx, 0)
	if err != nil {
		return err
	}
	newest, spared := map[snapshot.Key]int64{}, f.keys()
	for _, head := range list {
		if head.Report == f.maker.name && !slices.Contains(spared, head.Key) {
			newest[head.Key] = head.Revision
		}
	}
	for _, head := range list { // in the order of revisions
		if len(newest) <= 10*f.policy.Max {
			break
		}
		if newest[head.Key] == head.Revision {
			if err := store.Delete(ctx, head.Key); err != nil {
				return err
			}
			delete(newest, head.Key)
		}
	}
	return nil
}
