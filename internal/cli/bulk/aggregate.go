package bulk

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// aggregate sums values by key in bounded memory. When the memory is full it writes the sums, sorted, to a temporary
// file; each merges them. It belongs to one goroutine.
type aggregate[T any] struct {
	add   func(into, v *T) // adds v, which came later, to into
	cost  func(v *T) int   // bytes a value takes, about
	limit int              // bytes in memory
	file  *os.File         // nil: none yet; a temporary one is made when it is needed
	keep  bool             // the file is the caller's
	runs  []int64          // where each run ends in the file; each starts where the one before ends
	m     map[string]*T
	size  int
}

// newAggregate returns an empty aggregate. add sums a value into another, cost returns a value's bytes, and
// limit is the memory in bytes, at least 65,536.
func newAggregate[T any](limit int, add func(into, v *T), cost func(v *T) int) *aggregate[T] {
	return &aggregate[T]{add: add, cost: cost, limit: max(limit, 1<<16), m: map[string]*T{}}
}

// entryCost is the memory of a map entry without key and value, in bytes.
const entryCost = 64

// merge adds a value to the sum of a key. The aggregate owns v afterwards. If the memory is full, it spills all sums to
// the file; it returns the write error.
func (a *aggregate[T]) merge(key string, v *T) error {
	if known := a.m[key]; known != nil {
		a.size -= a.cost(known)
		a.add(known, v)
		a.size += a.cost(known)
	} else {
		a.m[key] = v
		a.size += len(key) + entryCost + a.cost(v)
	}
	if a.size > a.limit {
		return a.flush()
	}
	return nil
}

// flush writes the sums in memory to the file as a sorted run and clears the memory. Without sums it does nothing. It
// creates a temporary file if there is none. After an error the sums stay in memory.
func (a *aggregate[T]) flush() error {
	if len(a.m) == 0 {
		return nil
	}
	if a.file == nil {
		f, err := temporary()
		if err != nil {
			return err
		}
		a.file = f
	}
	from := a.end()
	w := bufio.NewWriterSize(io.NewOffsetWriter(a.file, from), 1<<18)
	for _, key := range slices.Sorted(maps.Keys(a.m)) {
		b, err := json.Marshal(a.m[key])
		if err != nil {
			return err
		}
		var head [8]byte
		binary.LittleEndian.PutUint32(head[:], uint32(len(key)))
		binary.LittleEndian.PutUint32(head[4:], uint32(len(b)))
		w.Write(head[:])
		w.WriteString(key)
		w.Write(b)
		from += int64(len(head) + len(key) + len(b))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	a.runs = append(a.runs, from)
	clear(a.m)
	a.size = 0
	return nil
}

// end returns the size of the file's valid part, which is the offset of the next run; 0 if there is none yet.
func (a *aggregate[T]) end() int64 {
	if len(a.runs) == 0 {
		return 0
	}
	return a.runs[len(a.runs)-1]
}

// close removes the temporary file, if there is one. A file of the caller stays open.
func (a *aggregate[T]) close() {
	if a.file != nil && !a.keep {
		discard(a.file)
	}
}

// each calls f with every key and its sum, sorted by key. An error of f ends the iteration and is returned. f must
// not keep the value. Runs on disk are flushed and merged; a disk error is returned. each may be called again.
func (a *aggregate[T]) each(f func(key string, v *T) error) error {
	if len(a.runs) == 0 {
		for _, key := range slices.Sorted(maps.Keys(a.m)) {
			if err := f(key, a.m[key]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	buffer := min(max(a.limit/len(a.runs), 1<<12), 1<<16)
	var h merging[T]
	from := int64(0)
	for i, to := range a.runs {
		r := &run[T]{number: i, left: to - from}
		r.in = bufio.NewReaderSize(io.NewSectionReader(a.file, from, to-from), buffer)
		from = to
		if err := r.next(); err != nil {
			return err
		}
		h = append(h, r)
	}
	heap.Init(&h)
	for len(h) > 0 {
		key, sum := h[0].key, h[0].v
		for first := true; len(h) > 0 && h[0].key == key; first = false {
			if !first {
				a.add(sum, h[0].v)
			}
			switch err := h[0].next(); {
			case err == nil:
				heap.Fix(&h, 0)
			case errors.Is(err, io.EOF):
				heap.Pop(&h)
			default:
				return fmt.Errorf("spill: %w", err)
			}
		}
		if err := f(key, sum); err != nil {
			return err
		}
	}
	return nil
}

// run is a reader of one sorted run of the temporary file, during the merge. key and v are its current record.
type run[T any] struct {
	number int
	in     *bufio.Reader
	left   int64 // bytes that were not read yet
	key    string
	v      *T
}

// next reads the next key and value of the run. It returns io.EOF at the end, and an error for a record that is longer
// than its run. A value that is not JSON is an error.
func (r *run[T]) next() error {
	var head [8]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return err
	}
	n, m := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
	if r.left -= int64(len(head)) + int64(n) + int64(m); r.left < 0 {
		return errors.New("a record is longer than its run: the file was altered")
	}
	b := make([]byte, int(n)+int(m))
	if _, err := io.ReadFull(r.in, b); err != nil {
		return err
	}
	r.key, r.v = string(b[:n]), new(T)
	return json.Unmarshal(b[n:], r.v)
}

// merging is a heap of runs by key, earlier runs first.
type merging[T any] []*run[T]

func (h merging[T]) Len() int { return len(h) }
func (h merging[T]) Less(i, j int) bool {
	return h[i].key < h[j].key || h[i].key == h[j].key && h[i].number < h[j].number
}
func (h merging[T]) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push appends a run for container/heap, which then restores the order.
func (h *merging[T]) Push(x any) { *h = append(*h, x.(*run[T])) }

// Pop removes and returns the last run for container/heap. The heap must not be empty.
func (h *merging[T]) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
