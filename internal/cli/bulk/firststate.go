package bulk

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"io"
	"math/bits"
	"sync/atomic"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// past stores the descriptors of the first state by path, in memory up to a limit and then in temporary files. One
// goroutine fills it with put and calls index; then many goroutines may read it.
type past struct {
	seed  maphash.Seed
	log   store // records in the order of the input
	texts store // descriptors: u32 length, u8 form, bytes
	// table is of a power of two of slots of 8 bytes: the address of a record in
	// the log plus one, below 2⁴⁴, with 20 bits of the hash of its path above.
	table   store
	slots   uint64
	records uint64
	types   []*winnt.ObjectType // by the number that records have
	seen    []atomic.Uint32     // a bit a slot: the second state has the path too
	recent  map[string]int64    // addresses of the last descriptors, by form and bytes
	held    int64               // bytes in recent
	limit   int64
}

// A record is u32 length of the path, u32 number of the type with a bit, u64
// address of the descriptor, path.
const (
	recordSize = 16
	unreadable = 1 << 31
	slotBits   = 44
)

// newPast returns an empty state that uses about limit bytes of memory.
func newPast(limit int64) *past {
	part := max(limit/8/chunkSize, 1) * chunkSize
	return &past{seed: maphash.MakeSeed(), limit: limit, recent: map[string]int64{},
		log: store{limit: 3 * part}, texts: store{limit: 2 * part}, table: store{limit: 2 * part}}
}

// close frees the memory and removes the temporary files.
func (p *past) close() {
	p.log.close()
	p.texts.close()
	p.table.close()
}

// put stores an object with its descriptor. It replaces an earlier object with the same path. It may not be called
// after index. An object with an error is stored too, as unreadable.
func (p *past) put(o *objects.Object) error {
	at, err := p.descriptor(o)
	if err != nil {
		return err
	}
	kind := uint32(0)
	for int(kind) < len(p.types) && p.types[kind] != o.Type {
		kind++
	}
	if int(kind) == len(p.types) {
		p.types = append(p.types, o.Type)
	}
	if o.Err != nil {
		kind |= unreadable
	}
	var b [recordSize]byte
	binary.LittleEndian.PutUint32(b[:], uint32(len(o.Path)))
	binary.LittleEndian.PutUint32(b[4:], kind)
	binary.LittleEndian.PutUint64(b[8:], uint64(at))
	p.records++
	if _, err = p.log.append(b[:]); err == nil {
		_, err = p.log.append(o.Path)
	}
	return err
}

// descriptor returns the address of an object's descriptor. It stores the descriptor unless it was stored recently.
// Equal descriptors in different forms are stored twice. The error is that of the store.
func (p *past) descriptor(o *objects.Object) (int64, error) {
	var few [512]byte
	key := append(append(few[:0], byte(o.Form)), o.SD...)
	if at, ok := p.recent[string(key)]; ok {
		return at, nil
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(len(key)))
	at, err := p.texts.append(b[:])
	if err != nil {
		return 0, err
	}
	if _, err := p.texts.append(key); err != nil {
		return 0, err
	}
	if p.held += int64(len(key)) + 64; p.held > p.limit/8 {
		clear(p.recent)
		p.held = 0
	}
	p.recent[string(key)] = at
	return at, nil
}

// index builds the hash table from paths to records. Call it once, after the last put and before find. Of equal paths
// the last one put is found, and repeat is called with the path of each later one that is readable.
func (p *past) index(repeat func(path []byte)) error {
	p.recent = nil
	p.slots = uint64(1) << max(bits.Len64(2*p.records), 6)
	p.seen = make([]atomic.Uint32, p.slots/32)
	if err := p.table.writeAt(make([]byte, 8), int64(8*p.slots-8)); err != nil {
		return err
	}
	var was entry
	return p.each(func(e *entry) error {
		at, known, err := p.find(e.path, &was)
		if err != nil {
			return err
		}
		if known && e.kind&unreadable == 0 {
			repeat(e.path)
		}
		slot := uint64(e.at+1) | p.hash(e.path)>>slotBits<<slotBits
		return p.table.writeAt(binary.LittleEndian.AppendUint64(nil, slot), 8*at)
	})
}

// entry is a decoded record of the log: the path of an object, and the address of its descriptor.
type entry struct {
	at   int64 // in the log
	path []byte
	kind uint32
	text int64
	buf  []byte
}

// hash returns the hash of a path. It differs from run to run.
func (p *past) hash(path []byte) uint64 { return maphash.Bytes(p.seed, path) }

// read decodes the record at an address of the log into e, whose memory it reuses. An address that is not of a record
// gives a wrong entry or an error.
func (p *past) read(at int64, e *entry) error {
	var b [recordSize]byte
	if err := p.log.readAt(b[:], at); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint32(b[:]))
	if cap(e.path) < n {
		e.path = make([]byte, n, 2*n)
	}
	e.at, e.path = at, e.path[:n]
	e.kind, e.text = binary.LittleEndian.Uint32(b[4:]), int64(binary.LittleEndian.Uint64(b[8:]))
	return p.log.readAt(e.path, at+recordSize)
}

// find looks up a path. If ok is true, slot is the path's slot and e its decoded record. If not, slot is the free
// slot for the path, and e is undefined. After an error slot is 0. find does not return if the table is full and the
// path absent.
func (p *past) find(path []byte, e *entry) (slot int64, ok bool, err error) {
	h := p.hash(path)
	var b [8]byte
	for i := h & (p.slots - 1); ; i = (i + 1) & (p.slots - 1) {
		if err := p.table.readAt(b[:], int64(8*i)); err != nil {
			return 0, false, err
		}
		v := binary.LittleEndian.Uint64(b[:])
		if v == 0 {
			return int64(i), false, nil
		}
		if v>>slotBits != h>>slotBits {
			continue
		}
		if err := p.read(int64(v&(1<<slotBits-1))-1, e); err != nil {
			return 0, false, err
		}
		if bytes.Equal(e.path, path) {
			return int64(i), true, nil
		}
	}
}

// mark records that the second state has the path of a slot. It reports whether that was recorded before.
func (p *past) mark(slot int64) bool { return p.seen[slot/32].Or(1<<(slot%32))>>(slot%32)&1 != 0 }

// object decodes the object of a record into o, whose memory it reuses. The descriptor of o is part of e.buf. An
// error leaves o incomplete. The next call with e overwrites the descriptor.
func (p *past) object(e *entry, o *objects.Object) error {
	*o = objects.Object{Path: append(o.Path[:0], e.path...), Type: p.types[e.kind&^unreadable]}
	var b [4]byte
	if err := p.texts.readAt(b[:], e.text); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint32(b[:]))
	if cap(e.buf) < n {
		e.buf = make([]byte, 2*n)
	}
	e.buf = e.buf[:n]
	if err := p.texts.readAt(e.buf, e.text+4); err != nil {
		return err
	}
	o.Form, o.SD = objects.Form(e.buf[0]), e.buf[1:]
	return nil
}

// each calls f with every record in the order of put, until f returns an error. f must not keep the entry. The error
// of f is returned unchanged.
func (p *past) each(f func(*entry) error) error {
	var e entry
	for at := int64(0); at < p.log.size; at += recordSize + int64(len(e.path)) {
		if err := p.read(at, &e); err != nil {
			return err
		}
		if err := f(&e); err != nil {
			return err
		}
	}
	return nil
}

// rest is the source of the objects that the second state does not have, in the order of the first.
type rest struct {
	p  *past
	at int64
}

// Next fills b with further objects that only the first state has. It skips unreadable ones. It returns io.EOF at the
// end. Objects are in the order of the first state, at most PerBatch at a time. A read error keeps those added before.
func (r *rest) Next(b *objects.Batch) error {
	var e, found entry
	for r.at < r.p.log.size && b.Len() < objects.PerBatch {
		if err := r.p.read(r.at, &e); err != nil {
			return err
		}
		r.at += recordSize + int64(len(e.path))
		slot, _, err := r.p.find(e.path, &found)
		if err != nil {
			return err
		}
		if found.at != e.at || e.kind&unreadable != 0 || r.p.seen[slot/32].Load()>>(slot%32)&1 != 0 {
			continue // a later record replaced it, it was unreadable, or it still exists
		}
		var o objects.Object
		if err := r.p.object(&e, &o); err != nil {
			return err
		}
		e.buf = nil // o owns the buffer now
		b.Add(o)
	}
	if b.Len() == 0 {
		return io.EOF
	}
	return nil
}
