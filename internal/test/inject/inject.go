// Package inject makes chosen operations fail in a test: the creation of kernel objects, the writing of records, and
// operations on the files of a log, a store, an index or a tree.
//
//	var disk inject.Injector
//	log, err := auditlog.Open(auditlog.Config{Dir: dir, Faults: disk.Do})
//	disk.Fail(unix.ENOSPC, inject.Kind("write"), inject.PathMatch("audit-*"), inject.OnIndex(2))
//
// From then on the third write of a segment fails, and no other operation does. With [Short] as the error, the write
// stores its first bytes.
package inject

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/diskio"
)

// Op is an operation that may fail.
type Op struct {
	Kind string // such as "write" or "sync", or a point of the kernel such as "ob: handle"
	Name string // of the file; "" for a point
}

// String returns the kind and the name.
func (o Op) String() string {
	if o.Name == "" {
		return o.Kind
	}
	return o.Kind + " " + o.Name
}

// Condition selects operations. The conditions of an error are evaluated in order, each for the operations that the
// earlier ones selected.
type Condition func(Op) bool

// Kind selects operations of some kinds.
func Kind(kinds ...string) Condition {
	return func(o Op) bool { return slices.Contains(kinds, o.Kind) }
}

// PathMatch selects operations on files whose last name matches a pattern of [path.Match]. It panics on a
// malformed pattern.
func PathMatch(pattern string) Condition {
	return func(o Op) bool {
		matches, err := path.Match(pattern, filepath.Base(o.Name))
		if err != nil {
			panic(fmt.Sprintf("inject: %q: %v", pattern, err))
		}
		return matches
	}
}

// OnIndex selects one operation among those it gets, the first for 0.
func OnIndex(index int) Condition {
	at := indexes()
	return func(Op) bool { return at() == index }
}

// FromIndex selects all operations except the first index of those for which it is asked.
func FromIndex(index int) Condition {
	at := indexes()
	return func(Op) bool { return at() >= index }
}

// Short returns an error for [Injector.Fail]: a write stores that many bytes and returns err. It stores nothing for 0,
// and all for more bytes than it has. With a nil err the write reports only how many bytes it stored.
func Short(bytes int, err error) error { return &diskio.Short{Bytes: bytes, Err: err} }

func indexes() func() int {
	next := -1
	return func() int { next++; return next }
}

// Injector decides which operations fail. The zero value lets none fail. It may be used by
// several goroutines.
type Injector struct {
	mu sync.Mutex
	// +checklocks:mu
	err error // guarded by mu
	// +checklocks:mu
	when []Condition // guarded by mu
	// +checklocks:mu
	ops []string // every operation so far; guarded by mu
	// +checklocks:mu
	selected int // operations, since Fail; guarded by mu
}

var _ audit.Sink = (*Injector)(nil)

// Fail injects err into each operation that all conditions select. It replaces the conditions of the last call. With
// a nil err the operations are selected and succeed.
func (i *Injector) Fail(err error, when ...Condition) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err, i.when, i.selected = err, when, 0
}

// Do returns the error to inject into an operation on a file, or nil to let the operation run.
func (i *Injector) Do(kind, name string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	op := Op{kind, name}
	i.ops = append(i.ops, op.String())
	for _, selects := range i.when {
		if !selects(op) {
			return nil
		}
	}
	i.selected++
	return i.err
}

// Point reports whether an injected failure happens at a point of the kernel.
func (i *Injector) Point(name string) bool { return i.Do(name, "") != nil }

// Write implements [audit.Sink]: the operation is of the kind "record". Nothing is kept.
func (i *Injector) Write(audit.Event) error { return i.Do("record", "") }

// Ops lists all operations so far.
func (i *Injector) Ops() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.ops)
}

// Selected returns how many operations the conditions have selected since Fail.
func (i *Injector) Selected() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.selected
}
