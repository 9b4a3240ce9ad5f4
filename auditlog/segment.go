package auditlog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A segment is a header and frames. All numbers are little endian.
//
//	offset  size  header
//	     0     4  magic "RFMA"
//	     4     2  version, 1
//	     6     1  mode
//	     7     1  number n of the hashes below
//	     8    16  id of the log
//	    24     8  first RecordId
//	    32  32*n  the tree of all records before the first: see frontier
//	32+32n     4  CRC32C of the header so far
//
//	offset  size  frame
//	     0     4  length of the payload, never 0
//	     4     4  CRC32C of RecordId and payload
//	     8     8  RecordId
//	    16        payload: the record's JSON with an empty "chain"
//
// Zeros may follow the last frame. The writer overwrites them with frames.
const (
	magic         = "RFMA"
	formatVersion = 1
	headerFixed   = 32
	frameFixed    = 16
	// MaxRecord is the maximum size of a payload, in bytes. Longer records are
	// shortened before they are stored (U-68).
	MaxRecord = 256 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the first part of a segment file: the log's id, the number of the first record, and the tree before it.
type header struct {
	mode   Mode
	log    [16]byte
	first  uint64 // RecordId of the first record
	before frontier
}

// size returns the length of the encoded header in bytes.
func (h *header) size() int64 { return int64(headerFixed + 32*len(h.before.hashes) + 4) }

// encode returns the stored form of the header, with its checksum.
func (h *header) encode() []byte {
	b := make([]byte, 0, h.size())
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, formatVersion)
	b = append(b, byte(h.mode), byte(len(h.before.hashes)))
	b = append(b, h.log[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.first)
	for _, x := range h.before.hashes {
		b = append(b, x[:]...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// errVersion is wrapped by the error for a segment or checkpoint of another version of the format. Nothing is damaged.
var errVersion = errors.New("use the release that wrote it")

// decodeHeader parses the header of a segment. b may be longer than the header. A wrong magic or checksum, a
// truncated header, a first number of 0 and a wrong number of hashes are errors. Another version is errVersion.
func decodeHeader(b []byte) (h header, err error) {
	if len(b) < headerFixed+4 || string(b[:4]) != magic {
		return h, errors.New("no segment: it does not start with " + magic)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != formatVersion {
		return h, fmt.Errorf("segment version %d: this program knows %d: %w", v, formatVersion, errVersion)
	}
	end := headerFixed + 32*int(b[7])
	if len(b) < end+4 {
		return h, errors.New("the header is cut off")
	}
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return h, errors.New("the header's checksum is wrong")
	}
	h.mode, h.first = Mode(b[6]), binary.LittleEndian.Uint64(b[24:])
	copy(h.log[:], b[8:24])
	if h.first == 0 || h.first > maxSize {
		return h, errors.New("the header has no first RecordId")
	}
	h.before.size = h.first - 1
	for at := headerFixed; at < end; at += 32 {
		h.before.hashes = append(h.before.hashes, tlog.Hash(b[at:at+32]))
	}
	if !h.before.valid() {
		return h, fmt.Errorf("the header has %d hashes for a tree of %d records", b[7], h.before.size)
	}
	return h, nil
}

// maxSize bounds the number of records, so that the last byte before a payload,
// the highest of its RecordId, is 0: it serves as the prefix of a leaf.
const maxSize = 1<<56 - 1

// finishFrame fills in length, checksum and id of the frame that starts at b[start], whose payload already starts at
// b[start+frameFixed] and ends with b. The result refers to b.
func finishFrame(b []byte, start int, id uint64) frame {
	f := b[start:]
	binary.LittleEndian.PutUint32(f, uint32(len(f)-frameFixed))
	binary.LittleEndian.PutUint64(f[8:], id)
	binary.LittleEndian.PutUint32(f[4:], crc32.Checksum(f[8:], castagnoli))
	return frame{id, f}
}

// frame is one record as a segment stores it, with its length, checksum and number.
type frame struct {
	id    uint64
	bytes []byte // all of it
}

// payload returns the record in the frame. It shares the frame's bytes.
func (f *frame) payload() []byte { return f.bytes[frameFixed:] }

// leaf returns the hash of the record's leaf in the tree: SHA-256 over a zero
// byte and the payload (U-70).
func (f *frame) leaf() tlog.Hash { return sha256.Sum256(f.bytes[frameFixed-1:]) }

// errTorn is the error for bytes that are not whole frame.
var errTorn = errors.New("no whole frame")

// decodeFrame parses the frame that b starts with. size is its length in bytes, and f refers to b. It returns errTorn
// if b does not start with a complete, valid frame. A record is 1 to MaxRecord bytes.
func decodeFrame(b []byte) (f frame, size int, err error) {
	if len(b) < frameFixed {
		return f, 0, errTorn
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n == 0 || n > MaxRecord || len(b)-frameFixed < n {
		return f, 0, errTorn
	}
	size = frameFixed + n
	if crc32.Checksum(b[8:size], castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return f, 0, errTorn
	}
	if b[frameFixed-1] != 0 {
		return f, 0, errTorn
	}
	return frame{binary.LittleEndian.Uint64(b[8:]), b[:size]}, size, nil
}

const (
	segmentPrefix = "audit-"
	segmentSuffix = ".log"
)

// segmentName returns the file name of the segment that starts with a RecordId.
func segmentName(first uint64) string {
	return fmt.Sprintf("%s%016x%s", segmentPrefix, first, segmentSuffix)
}

// parseSegmentName returns the first RecordId in the name of a segment. ok is false for the name of another file. Only
// the spelling of segmentName counts.
func parseSegmentName(name string) (first uint64, ok bool) {
	hex, ok := strings.CutPrefix(name, segmentPrefix)
	if !ok {
		return 0, false
	}
	if hex, ok = strings.CutSuffix(hex, segmentSuffix); !ok || len(hex) != 16 {
		return 0, false
	}
	first, err := strconv.ParseUint(hex, 16, 64)
	return first, err == nil && segmentName(first) == name
}

// segments returns the first RecordIds of the segments in a folder, ascending. It ignores other files, and returns
// none for a missing folder.
func segments(d disk) ([]uint64, error) {
	names, err := d.List(".")
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, name := range names {
		if first, ok := parseSegmentName(name); ok {
			firsts = append(firsts, first)
		}
	}
	return firsts, nil // names of one length sort as their numbers do
}
