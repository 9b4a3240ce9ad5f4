package pac

import (
	"encoding/binary"
	"fmt"
)

// Parameters of LZ77+Huffman (MS-XCA 2.2).
const (
	symbols   = 512
	longest   = 15      // bits of a code
	blockSize = 1 << 16 // bytes that one table serves
)

// expand decompresses LZ77+Huffman data into exactly size bytes. The caller must have limited size. Data that ends
// early is an error; bytes after the last symbol are ignored. A malformed code is ErrInvalid.
func expand(in []byte, size int) ([]byte, error) {
	out := make([]byte, 0, size)
	for len(out) < size {
		if len(in) < symbols/2+4 {
			return nil, fmt.Errorf("%w: compressed data ends after %d of %d bytes", ErrInvalid, len(out), size)
		}
		c, err := newCode(in[:symbols/2])
		if err != nil {
			return nil, err
		}
		s := bits{in: in[symbols/2:]}
		s.start()
		end := min(len(out)+blockSize, size)
		for len(out) < end && err == nil {
			out, err = s.step(c, out, size)
		}
		if err != nil {
			return nil, err
		}
		in = s.in[min(s.at, len(s.in)):]
	}
	return out, nil
}

// code is a canonical Huffman code: the number of symbols of each length, and the symbols sorted by
// length and number.
type code struct {
	counts [longest + 1]int
	sorted [symbols]uint16
}

// newCode builds the Huffman code from a table of code lengths, four bits each. It returns an error if the lengths do
// not form a complete code (K-9). An error wraps ErrInvalid.
func newCode(table []byte) (*code, error) {
	c := new(code)
	length := func(symbol int) int { return int(table[symbol/2] >> (4 * (symbol & 1)) & 15) }
	used := 0
	for s := range symbols {
		if n := length(s); n > 0 {
			c.counts[n]++
			used += 1 << (longest - n)
		}
	}
	if used != 1<<longest {
		return nil, fmt.Errorf("%w: codes of compressed data fill %d of %d", ErrInvalid, used, 1<<longest)
	}
	next := [longest + 2]int{}
	for n := 1; n <= longest; n++ {
		next[n+1] = next[n] + c.counts[n]
	}
	for s := range symbols {
		if n := length(s); n > 0 {
			c.sorted[next[n]] = uint16(s)
			next[n]++
		}
	}
	return c, nil
}

// decode returns the next symbol of the compressed data and the length of its code in bits. front has the next 15 bits.
// A complete code has a symbol for any bits. Otherwise it returns symbol 0 with the longest length.
func (c *code) decode(front uint32) (symbol, length int) {
	first, index := 0, 0
	for n := 1; n <= longest; n++ {
		at := int(front >> (longest - n))
		if at-first < c.counts[n] {
			return int(c.sorted[index+at-first]), n
		}
		index += c.counts[n]
		first = (first + c.counts[n]) << 1
	}
	return 0, longest
}

// bits reads the compressed bits of one block: 16-bit words with length bytes between them.
type bits struct {
	in      []byte
	at      int    // position of the next word or length byte in in
	next    uint32 // the next bits, the first one on top
	extra   int    // next holds 16+extra bits
	missing int    // words read past the end
}

// start begins a block: it fills the register of bits with the first two words.
func (s *bits) start() {
	s.next = s.word() << 16
	s.next |= s.word()
	s.extra = 16
}

// word returns the next 16-bit word of the input, 0 past the end. It counts missing words in missing.
func (s *bits) word() uint32 {
	if s.at+2 > len(s.in) {
		s.missing++
		return 0
	}
	s.at += 2
	return uint32(binary.LittleEndian.Uint16(s.in[s.at-2:]))
}

// skip consumes n bits, at most 15.
func (s *bits) skip(n int) {
	s.next <<= n
	if s.extra -= n; s.extra < 0 {
		s.next |= s.word() << -s.extra
		s.extra += 16
	}
}

// step decompresses one literal or one match and returns out with it appended. size is the length of the whole output.
// It returns an error if the data ends early, or a match begins before out or ends after size.
func (s *bits) step(c *code, out []byte, size int) ([]byte, error) {
	symbol, n := c.decode(s.next >> (32 - longest))
	s.skip(n)
	// Two words are read ahead. More past the end means that data is missing (K-9).
	if s.missing > 2 {
		return nil, fmt.Errorf("%w: compressed data ends after %d of %d bytes", ErrInvalid, len(out), size)
	}
	if symbol < 256 {
		return append(out, byte(symbol)), nil
	}
	length, offsetBits := (symbol-256)%16, (symbol-256)/16
	if length == 15 {
		more, ok := s.longer()
		if !ok {
			return nil, fmt.Errorf("%w: a length in compressed data", ErrInvalid)
		}
		length = more
	}
	length += 3
	offset := 1 << offsetBits
	if offsetBits > 0 {
		offset += int(s.next >> (32 - offsetBits))
	}
	s.skip(offsetBits)
	// A match starts in the output so far and ends within the stated size (K-9).
	if offset > len(out) || length > size-len(out) {
		return nil, fmt.Errorf("%w: %d bytes from %d before %d of %d in compressed data", ErrInvalid, length, offset,
			len(out), size)
	}
	for range length {
		out = append(out, out[len(out)-offset])
	}
	return out, nil
}

// longer reads the length of a match that is too long for its symbol, from the bytes after the words read ahead. It
// returns false if they are missing or encode a length that is not a long one.
func (s *bits) longer() (int, bool) {
	if s.at >= len(s.in) {
		return 0, false
	}
	n := int(s.in[s.at])
	s.at++
	if n < 255 {
		return n + 15, true
	}
	if s.at+2 > len(s.in) {
		return 0, false
	}
	n = int(binary.LittleEndian.Uint16(s.in[s.at:]))
	s.at += 2
	return n, n >= 15
}
