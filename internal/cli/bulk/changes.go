package bulk

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// kept is an object that waits until the answer for its parent directory is known.
type kept[A any] struct {
	object objects.Object
	answer *A // nil: the object could not be decided
	err    error
}

// changes holds the objects of a batch.
type changes[A any] []kept[A]

// answer runs one question for all objects and writes the rows. ask creates the question for a worker. With
// Run.Changes, only objects whose answer differs from their parent's are written. key returns the compared bytes of
// an answer. It returns the counts and the first error.
func answer[A any](
	ctx context.Context, r *Run, ask func(d *decider) asking[A, none], key func(a *A) []byte,
) (Summary, error) {
	if r.Changes {
		return differing(ctx, r, ask, key)
	}
	return pass(ctx, r, ask, nil)
}

// differing runs a question and writes objects whose answer differs from the parent's (U-107). The compared bytes of
// an answer are those of key. Objects without an answer are always written, and so are objects whose parent has no
// earlier answer. An output error ends the run.
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
			k.object.Path = append([]byte(nil), o.Path...) // a copy, because a walk reuses the memory of a path
			b.part = append(b.part, k)
		}
		return asking[A, changes[A]]{cost: inner.cost, decide: inner.decide,
			put:  func(b *box[changes[A]], o *objects.Object, a *A) { keep(b, o, a, nil) },
			fail: func(b *box[changes[A]], o *objects.Object, err error) { keep(b, o, nil, err) },
		}
	}, write)
}

// parents caches answers by path, as hashes, so that each object can be compared with its parent directory. It
// belongs to the goroutine that writes.
type parents struct {
	seen map[string]uint64
	seed maphash.Seed
}

// maxSeen limits the cached objects.
const maxSeen = 1 << 20

// differs reports whether the parent's answer is different or unknown; a root always differs. It stores the answer for
// path, and drops answers of other branches when the cache is full.
func (p *parents) differs(path string, typ *winnt.ObjectType, answer []byte) bool {
	sum := maphash.Bytes(p.seed, answer)
	if len(p.seen) >= maxSeen {
		p.keepAncestors(path, typ) // an ordered walk needs only the ancestors
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

// keepAncestors frees memory of the cache: it drops all answers except those of the ancestors of a path, which the
// next objects of a walk need.
func (p *parents) keepAncestors(path string, typ *winnt.ObjectType) {
	ancestors := map[string]uint64{}
	for up, ok := above(path, typ); ok; up, ok = above(up, typ) {
		if sum, known := p.seen[up]; known {
			ancestors[up] = sum
		}
	}
	p.seen = ancestors
}

// trimmed removes the separators at the end of a path. It keeps a path of one byte, such as "/".
func trimmed(path string) string {
	if len(path) > 1 {
		return strings.TrimRight(path, separators(path))
	}
	return path
}

// separators returns the characters that separate the names in a path. In a Unix path, which has a slash before any
// colon or backslash, only slashes do, because a name may have a backslash.
func separators(path string) string {
	if first, _, ok := strings.Cut(path, "/"); ok && !strings.ContainsAny(first, `:\`) {
		return "/"
	}
	return `/\`
}

// above returns the parent of a path: the directory, or for an Active Directory object the rest of its DN. ok is false
// for a root and for a path without a separator.
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
	i := strings.LastIndexAny(path, separators(path))
	switch {
	case i < 0 || len(path) == 1:
		return "", false
	case i == 0:
		return path[:1], true
	}
	return path[:i], true
}

// key returns the bytes that --changes compares: the principals of each right.
func (a *named) key() []byte { return bytesOf(a.sets) }

// key returns the bytes that --changes compares: the number of principals of each right.
func (a *counted) key() []byte { return fmt.Append(nil, a.at()) }

// key returns the bytes that --changes compares: the principals of each right, regardless of the entries that grant
// it.
func (a *reached) key() []byte { return a.sets }

// bytesOf returns the members of some sets as bytes that are equal only for equal sets.
func bytesOf(sets []effective.Set) (key []byte) {
	for _, s := range sets {
		for _, word := range s {
			key = binary.LittleEndian.AppendUint64(key, word)
		}
	}
	return key
}
