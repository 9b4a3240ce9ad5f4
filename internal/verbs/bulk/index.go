package bulk

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
)

// setID names a set of principals by its content: 22 characters of base64url,
// 128 bits of a SHA-256. The same set has the same name in every run over the
// same directory, so that runs can be resumed, and nobody can bring about two
// sets of one name.
type setID [22]byte

func idOf(s effective.Set) (id setID) {
	buf := make([]byte, 0, 1024)
	h := sha256.New()
	for _, w := range s {
		buf = append(buf, byte(w), byte(w>>8), byte(w>>16), byte(w>>24), byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56))
		if len(buf) == cap(buf) {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	var sum [sha256.Size]byte
	base64.RawURLEncoding.Encode(id[:], h.Sum(sum[:0])[:16])
	return id
}

// sets writes those sets of the answers that have not been written yet: a row
// each, with the numbers of its principals as ranges or, where that is shorter,
// as a bitmap.
func (w *writer) sets(fresh []*answer) error {
	if len(fresh) == 0 {
		return nil
	}
	out := w.buf[:0]
	for _, a := range fresh {
		if a.put.Load() {
			continue
		}
		for i, id := range a.ids {
			if w.first(id) {
				var x []byte
				if a.exprs != nil {
					x = a.exprs[i]
				}
				out = appendSet(out, id, a.counts[i], a.sets[i], x)
			}
		}
		a.sets, a.exprs = nil, nil
		a.put.Store(true)
	}
	w.buf = out
	to := w.run.Sets
	if to == nil {
		to = w.run.Out
	}
	_, err := to.Write(out)
	return err
}

// maxWritten is how many names of sets a generation of those that are in the
// table holds: some 64 bytes each. Older ones are forgotten, and their sets are
// written again if they come again.
const maxWritten = 1 << 20

// first reports whether a set is not in the table as far as is known, and notes
// that it is now.
func (w *writer) first(id setID) bool {
	if _, ok := w.written[0][id]; ok {
		return false
	}
	_, old := w.written[1][id]
	if w.written[0] == nil || len(w.written[0]) >= w.run.maxSets() {
		w.written[0], w.written[1] = map[setID]struct{}{}, w.written[0]
	}
	w.written[0][id] = struct{}{}
	return !old
}

// maxSets is maxWritten, or fewer where less memory was allowed.
func (r *Run) maxSets() int { return max(min(maxWritten, r.CacheBytes/256), 1<<16) }

func appendSet(dst []byte, id setID, count uint32, s effective.Set, expression []byte) []byte {
	dst = append(append(append(dst, `{"set":"`...), id[:]...), `","count":`...)
	dst = strconv.AppendUint(dst, uint64(count), 10)
	if expression != nil {
		dst = append(append(dst, `,"expression":`...), expression...)
	}
	mark := len(dst)
	bitmap := len(`,"bitmap":""}`) + base64.StdEncoding.EncodedLen(8*len(s))
	dst = append(dst, `,"ids":"`...)
	var ok bool
	dst, ok = appendRanges(dst, s, mark+bitmap)
	if ok {
		return append(dst, "\"}\n"...)
	}
	raw := make([]byte, 0, 8*len(s))
	for _, w := range s {
		raw = append(raw, byte(w), byte(w>>8), byte(w>>16), byte(w>>24), byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56))
	}
	dst = append(dst[:mark], `,"bitmap":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, "\"}\n"...)
}

// appendRanges appends "0-3,7"; false if that takes more than most bytes.
func appendRanges(dst []byte, s effective.Set, most int) ([]byte, bool) {
	first, last, any := 0, -2, false
	flush := func() {
		if last < 0 {
			return
		}
		if any {
			dst = append(dst, ',')
		}
		any = true
		dst = strconv.AppendInt(dst, int64(first), 10)
		if last > first {
			dst = strconv.AppendInt(append(dst, '-'), int64(last), 10)
		}
	}
	for i := range s.All() {
		if i == last+1 {
			last = i
			continue
		}
		flush()
		if len(dst) > most {
			return dst, false
		}
		first, last = i, i
	}
	flush()
	return dst, len(dst) <= most
}

// appendPrincipals appends the row that says which principal each number is.
func appendPrincipals(dst []byte, d *people.Directory) []byte {
	dst = append(dst, `{"principals":[`...)
	for i := range d.Principals {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = batch.AppendString(dst, d.Principals[i].Name)
	}
	return append(dst, "]}\n"...)
}
