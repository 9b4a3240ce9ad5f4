package forge

import (
	"bytes"
	"encoding/binary"
)

// Compress returns LZ77+Huffman data (MS-XCA) for the bytes. For simplicity every symbol has a code of nine bits, and
// it searches matches only in the last 300 bytes.
func Compress(in []byte) (out []byte) {
	for at := 0; at < len(in); {
		out = append(out, bytes.Repeat([]byte{0x99}, 256)...)
		w := &words{out: out, free: 16}
		w.first, w.second = w.reserve(), w.reserve()
		for end := at + 1<<16; at < end && at < len(in); {
			if n, back := match(in, at); n >= 3 {
				w.match(n, back)
				at += n
				continue
			}
			w.bits(uint32(in[at]), 9)
			at++
		}
		out = w.done()
	}
	return out
}

// match finds the longest repetition for the compressor: up to 60,000 bytes at position at that repeat data up to 300
// bytes before. back is the distance. Without a match both results are 0.
func match(in []byte, at int) (length, back int) {
	for b := 1; b <= min(at, 300); b++ {
		n := 0
		for at+n < len(in) && n < 60000 && in[at+n] == in[at+n-b] {
			n++
		}
		if n > length {
			length, back = n, b
		}
	}
	return length, back
}

// words writes the bit stream of LZ77+Huffman data as 16-bit words. It reserves the position of each word two words
// ahead.
type words struct {
	out           []byte
	first, second int
	next          uint32
	free          int
}

// reserve makes room for the next word and returns its position in the output.
func (w *words) reserve() int {
	w.out = append(w.out, 0, 0)
	return len(w.out) - 2
}

// bits appends the n low bits of v to the bit stream, at most 16.
func (w *words) bits(v uint32, n int) {
	if w.free >= n {
		w.free -= n
		w.next = w.next<<n | v
		return
	}
	left := n - w.free
	w.put(w.next<<w.free | v>>left)
	w.next, w.free = v&(1<<left-1), 16-left
}

// put writes a complete word at the first reserved position, and reserves another one.
func (w *words) put(v uint32) {
	binary.LittleEndian.PutUint16(w.out[w.first:], uint16(v))
	w.first, w.second = w.second, w.reserve()
}

// match appends a match of length bytes that begins back bytes before the end of the output.
func (w *words) match(length, back int) {
	offsetBits := 0
	for back>>(offsetBits+1) > 0 {
		offsetBits++
	}
	l := length - 3
	w.bits(uint32(256+16*offsetBits+min(l, 15)), 9)
	switch {
	case l < 15:
	case l < 15+255:
		w.out = append(w.out, byte(l-15))
	default:
		w.out = binary.LittleEndian.AppendUint16(append(w.out, 255), uint16(l))
	}
	w.bits(uint32(back-1<<offsetBits), offsetBits)
}

// done writes the last bits and returns the compressed data.
func (w *words) done() []byte {
	binary.LittleEndian.PutUint16(w.out[w.first:], uint16(w.next<<w.free))
	return w.out
}
