package pac

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

// encode encodes an NDR structure, after its header and top pointer, from words of four bytes.
func encode(all ...uint32) []byte {
	b := []byte{1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, w := range append([]uint32{0x20000}, all...) {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-header))
	return b
}

// TestReaderNamesEachError checks each error of the reader on its own, identified by its message (K-3, K-4).
func TestReaderNamesEachError(t *testing.T) {
	sized := func(size uint32, b []byte) []byte { binary.LittleEndian.PutUint32(b[8:], size); return b }
	one := sid.MustParse("S-1-5-21").AppendBinary(nil) // twelve bytes: three words
	of := func(n uint32) []byte {
		all := []uint32{n}
		for b := one; len(b) > 0; b = b[4:] {
			all = append(all, binary.LittleEndian.Uint32(b))
		}
		return encode(append(all, 7, 7)...)
	}
	number := func(r *reader) { r.u64() }
	array := func(there bool, count uint32, size int) func(*reader) {
		return func(r *reader) {
			n := r.array(there, count, size, "things")
			check.That(t, r.err == nil || n == 0, "K-4: array returned %d elements with error %v, want 0", n, r.err)
		}
	}
	anySID := func(r *reader) { r.sid() }
	counts := func(r *reader) { r.counted() }
	text := func(bytes uint16) func(*reader) { return func(r *reader) { r.text(counted{bytes, true}) } }
	ended := func(r *reader) { r.terminated() }
	groups := func(r *reader) { r.groups(true, 1) }
	domains := func(r *reader) { r.domains(true, 1) }
	for name, c := range map[string]struct {
		b    []byte
		read func(*reader)
		why  string // "": read without an error
	}{
		"K-3: all that it says":                  {encode(1, 2, 3), number, ""},
		"K-3: more than it says":                 {sized(8, encode(1, 2, 3)), number, "8 bytes of 0"},
		"K-3: as many bytes as are there":        {sized(16, encode(1, 2, 3)), number, ""},
		"K-3: eight bytes more":                  {sized(24, encode(1, 2, 3)), number, "says it has 24 bytes"},
		"K-3: a multiple of four":                {sized(12, encode(1, 2, 3)), number, "says it has 12 bytes"},
		"K-3: eight bytes of none":               {sized(8, encode()[:16:16]), number, "says it has"},
		"K-4: a maximum equal to the count":      {encode(2, 0, 0, 0, 0), array(true, 2, 8), ""},
		"K-4: a larger maximum":                  {encode(3, 0, 0, 0, 0), array(true, 2, 8), "2 things in an array of 3"},
		"K-4: a smaller maximum":                 {encode(1, 0, 0, 0, 0), array(true, 2, 8), "2 things in an array of 1"},
		"K-4: none, and none is there":           {encode(2), array(false, 0, 8), ""},
		"K-4: some, and none is there":           {encode(2), array(false, 2, 8), "2 things at a null pointer"},
		"K-4: one more than there is":            {encode(3, 0, 0, 0, 0), array(true, 3, 8), "3 things in 16 bytes"},
		"K-4: a SID":                             {of(1), anySID, ""},
		"K-4: a SID of fewer parts":              {of(2), anySID, "1 sub-authorities in an array of 2"},
		"K-4: a SID of more parts":               {of(0), anySID, "at "},
		"K-4: a SID of sixteen parts":            {of(16), anySID, "a SID with 16 sub-authorities"},
		"K-4: a SID of a list":                   {encode(1, 1, 7, 1, 0x101, 0x05000000, 21), groups, ""},
		"K-4: a null SID of a list":              {encode(1, 0, 7, 1, 0x101, 0x05000000, 21), groups, "SID 0 of 1"},
		"K-4: a domain":                          {encode(1, 1, 0, 0, 1, 0x101, 0x05000000, 21), domains, ""},
		"K-4: a null domain":                     {encode(1, 0, 0, 0, 1, 0x101, 0x05000000, 21), domains, "domain 0 of 1"},
		"K-4: a text":                            {encode(4<<16|4, 9), counts, ""},
		"K-4: half a character":                  {encode(4<<16|3, 9), counts, "a text of 3 bytes"},
		"K-4: more than its room":                {encode(2<<16|4, 9), counts, "a text of 4 bytes in 2"},
		"K-4: a null string":                     {encode(4<<16|4, 0), counts, "there false"},
		"K-4: no text":                           {encode(0, 0), counts, ""},
		"K-4: its characters":                    {encode(2, 0, 2, 0x410041), text(4), ""},
		"K-4: characters of no text":             {encode(2, 0, 2, 0x410041), func(r *reader) { r.text(counted{}) }, ""},
		"K-4: characters in a larger room":       {encode(9, 0, 2, 0x410041), text(4), ""},
		"K-4: fewer characters":                  {encode(2, 0, 1, 0x410041), text(4), "4 bytes as 1 characters"},
		"K-4: more characters":                   {encode(3, 0, 3, 0x410041), text(4), "4 bytes as 3 characters"},
		"K-4: characters of a later place":       {encode(2, 1, 2, 0x410041), text(4), "from 1 of 2"},
		"K-4: more than the maximum":             {encode(1, 0, 2, 0x410041), text(4), "from 0 of 1"},
		"K-4: an ended text":                     {encode(2, 0, 2, 0x41), ended, ""},
		"K-4: an ended text in a larger room":    {encode(9, 0, 2, 0x41), ended, ""},
		"K-4: a text without its end":            {encode(2, 0, 2, 0x410041), ended, "without its end"},
		"K-4: a text whose last low byte is 0":   {encode(2, 0, 2, 0x1000041), ended, "without its end"},
		"K-4: no end of no text":                 {encode(2, 0, 0, 0x41), ended, "a text of 0 characters"},
		"K-4: an end of a later place":           {encode(2, 1, 2, 0x41), ended, "from 1 of 2"},
		"K-4: an actual count above the maximum": {encode(1, 0, 2, 0x41), ended, "from 0 of 1"},
		"K-4: an actual count beyond the buffer": {encode(9, 0, 9, 0x41), ended, "a text of 9 characters"},
	} {
		r := newReader(c.b, "a structure")
		c.read(r)
		if (r.err == nil) != (c.why == "") || r.err != nil && (!errors.Is(r.err, ErrInvalid) ||
			!strings.Contains(r.err.Error(), c.why)) {
			t.Errorf("%s: %v, want %q", name, r.err, c.why)
		}
	}
}

// TestHuffmanCodesMustFillTheirSpace checks that codes must fill their space, that a match ends with the size, that a
// long length is not encoded as a short one, and that 32 bits do not hold 64 symbols (K-9).
func TestHuffmanCodesMustFillTheirSpace(t *testing.T) {
	half, whole := make([]byte, symbols/2), make([]byte, symbols/2)
	half[48], whole[48] = 0x01, 0x11 // "`" of one bit; with "a"
	if _, err := newCode(half); err == nil || !strings.Contains(err.Error(), "fill 16384 of 32768") {
		t.Errorf("K-9: codes that leave half of their room: %v", err)
	}
	_, err := newCode(whole)
	check.That(t, err == nil, "K-9: codes that fill their room: %v", err)
	for name, c := range map[string]struct {
		in   []byte
		size int
		ok   bool
	}{
		"a match that ends with the size":       {abc(), 600, true},
		"a match that ends one byte beyond it":  {abc(), 599, false},
		"a long length of fourteen that fits":   {append(abc()[:261], 14, 0), 20, false},
		"a long length of fifteen that fits":    {append(abc()[:261], 15, 0), 21, true},
		"thirty-two symbols of thirty-two bits": {append(slices.Clone(whole), 0, 0, 0, 0), 32, true},
		"sixty-four symbols of thirty-two bits": {append(slices.Clone(whole), 0, 0, 0, 0), 64, false},
	} {
		if out, err := expand(c.in, c.size); (err == nil) != c.ok || c.ok && len(out) != c.size {
			t.Errorf("K-9: %s: %d bytes, %v, want it read: %v", name, len(out), err, c.ok)
		}
	}
}

// TestUnkeyedPACSignatureIsRejected checks the ticket signature and the full PAC signature, which older KDCs do not
// write. If present, they must be keyed checksums of the right length (K-11, K-12).
func TestUnkeyedPACSignatureIsRejected(t *testing.T) {
	for _, kind := range []uint32{16, 19} {
		for name, c := range map[string]struct {
			sum  uint32
			size int
			ok   bool
		}{
			"one of AES":              {16, 12, true},
			"one of two bytes more":   {16, 14, true}, // of a read-only domain controller
			"one of a byte more":      {16, 13, false},
			"a truncated checksum":    {16, 11, false},
			"an unkeyed checksum":     {7, 16, false},
			"one of a type unknown":   {99, 12, false},
			"one without its type":    {16, -1, false},
			"one of another's length": {20, 12, false},
		} {
			b := binary.LittleEndian.AppendUint32(nil, c.sum)
			b = append(b, make([]byte, 32)...)[:4+c.size]
			data := signBuffers(append(forge.Split(forge.Seal(alice().Buffers(), key(18))), forge.Buffer{Type: kind, Data: b}))
			_, err := Open(data, key(18))
			check.That(t, (err == nil) == c.ok, "K-12: type %d: %s: %v, want it taken: %v", kind, name, err, c.ok)
		}
	}
}

// Resource groups without their domain are malformed, also a single one: its RID would be of no domain.
func TestResourceGroupNeedsDomain(t *testing.T) {
	for n := range 3 {
		w := alice()
		w.ResourceDomain, w.Resources = sid.SID{}, make([]forge.Group, n)
		for i := range w.Resources {
			w.Resources[i] = forge.Group{RID: 3001 + uint32(i), Attributes: 7}
		}
		if _, err := Open(forge.Seal(w.Buffers(), key(18)), key(18)); (err == nil) != (n == 0) {
			t.Errorf("%d resource groups without a domain: error %v, want one: %t", n, err, n > 0)
		}
	}
}
