package bulk

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"maps"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/winnt"
)

// kept is an object whose row waits for its turn, when the answer for the directory
// above it is known.
type kept[A any] struct {
	object objects.Object
	answer *A // nil: the object could not be decided
	err    error
}

// changes are the objects of a batch.
type changes[A any] []kept[A]

// answer runs a question, of all objects or of those whose answer differs from the one
// above.
func answer[A any](
	ctx context.Context, r *Run, ask func(d *decider) asking[A, none], key func(a *A) []byte,
) (Summary, error) {
	if r.Changes {
		return differing(ctx, r, ask, key)
	}
	return pass(ctx, r, ask, nil)
}

// differing runs a question of which only the rows are written whose answer differs from
// that of the directory above (U-107). key returns what is compared of an answer.
func differing[A any](
	ctx context.Context, r *Run, ask func(d *decider) asking[A, none], key func(a *A) []byte,
) (Summary, error) {
	d, err := newDecider(r)
	if err != nil {
		return Summary{}, err
	}
	known, put := &parents{seen: map[string]uint64{}, seed: maphash.MakeSeed()}, ask(d)
	write := func(b *box[changes[A]], so *Summary) error {
		var out box[none]
		for i := range b.part {
			k := &b.part[i]
			path := string(k.object.Path)
			switch {
			case k.answer == nil:
				put.fail(&out, &k.object, k.err)
			case known.differs(path, k.object.Type, key(k.answer)):
				put.put(&out, &k.object, k.answer)
			}
			if len(out.out) < maxRows && i < len(b.part)-1 {
				continue
			}
			if _, err := r.Out.Write(out.out); err != nil {
				return err
			}
			out.out = out.out[:0]
		}
		so.Passed += out.sum.Passed
		so.Allowed += out.sum.Allowed
		return nil
	}
	return pass(ctx, r, func(d *decider) asking[A, changes[A]] {
		inner := ask(d)
		keep := func(b *box[changes[A]], o *objects.Object, a *A, err error) {
			k := kept[A]{*o, a, err}
			k.object.Path = append([]byte(nil), o.Path...) // a walk uses its memory again
			b.part = append(b.part, k)
		}
		return asking[A, changes[A]]{cost: inner.cost, decide: inner.decide,
			put:  func(b *box[changes[A]], o *objects.Object, a *A) { keep(b, o, a, nil) },
			fail: func(b *box[changes[A]], o *objects.Object, err error) { keep(b, o, nil, err) },
		}
	}, write)
}

// parents remembers the answers of what may lie above other objects. Owned by the
// goroutine that writes.
type parents struct {
	seen map[string]uint64
	seed maphash.Seed
}

// maxSeen is how many objects are remembered.
const maxSeen = 1 << 20

// differs remembers the answer for a path, and reports whether the one above it has
// another, or is not known.
func (p *parents) differs(path string, typ *winnt.ObjectType, answer []byte) bool {
	sum := maphash.Bytes(p.seed, answer)
	if len(p.seen) >= maxSeen {
		// In the order of a walk only what lies above is asked for again.
		maps.DeleteFunc(p.seen, func(above string, _ uint64) bool { return !strings.HasPrefix(path, above) })
	}
	if len(p.seen) < maxSeen {
		p.seen[trimmed(path)] = sum
	}
	up, ok := above(path, typ)
	if !ok {
		return true
	}
	before, known := p.seen[up]
	return !known || before != sum
}

// trimmed returns a path as the paths below it begin.
func trimmed(path string) string {
	if len(path) > 1 {
		return strings.TrimRight(path, `/\`)
	}
	return path
}

// above returns what a path lies in: a directory, or of an object of Active Directory
// the rest of its name.
func above(path string, typ *winnt.ObjectType) (string, bool) {
	path = trimmed(path)
	if typ == winnt.DirectoryServiceObject {
		for i := 0; i < len(path); i++ {
			switch path[i] {
			case '\\':
				i++
			case ',':
				return path[i+1:], true
			}
		}
		return "", false
	}
	i := strings.LastIndexAny(path, `/\`)
	switch {
	case i < 0 || len(path) == 1:
		return "", false
	case i == 0:
		return path[:1], true
	}
	return path[:i], true
}

// key returns what answers are compared by: who has each right.
func (a *named) key() []byte { return bytesOf(a.sets) }

// key returns the same: how many have each right.
func (a *counted) key() []byte { return fmt.Append(nil, a.at()) }

// key returns the same: who has each right, whatever gave it.
func (a *reached) key() []byte { return a.sets }

// bytesOf returns bytes that are equal for equal sets.
func bytesOf(sets []effective.Set) (key []byte) {
	for _, s := range sets {
		for _, word := range s {
			key = binary.LittleEndian.AppendUint64(key, word)
		}
	}
	return key
}
