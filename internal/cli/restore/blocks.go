package restore

import (
	"crypto/sha256"
	"errors"
	"io"
)

// blockSize is the number of bytes that blocks checks at a time.
const blockSize = 1 << 20

// maxEnd is more than the bytes of the last line of an export, and of some empty lines after it.
const maxEnd = 64

// blocks reads a file twice, block by block. In the second reading it returns a block only if the first reading had the
// same one, so no byte that another program changed between the two readings has an effect.
type blocks struct {
	in    io.ReadSeeker
	sums  [][sha256.Size]byte // of the blocks in the first reading
	again bool                // this is the second reading
	next  int                 // the block to read
	block []byte
	rest  []byte // of block, not yet returned
	tail  []byte // the last bytes of the first reading, enough for a line of [jsonl.AppendEnd]
}

// newBlocks returns blocks before the first reading of in.
func newBlocks(in io.ReadSeeker) *blocks { return &blocks{in: in, block: make([]byte, blockSize)} }

// start begins the first or the second reading at the start of the file.
func (b *blocks) start(again bool) error {
	b.again, b.next, b.rest = again, 0, nil
	_, err := b.in.Seek(0, io.SeekStart)
	return err
}

// Read reads bytes of a block. In the second reading it returns errChanged for other bytes than in the first, also for
// more or fewer. It drops the bytes of a block with a read error.
func (b *blocks) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		n, err := io.ReadFull(b.in, b.block)
		if b.again && errors.Is(err, io.EOF) && b.next != len(b.sums) {
			return 0, errChanged
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // the last block is shorter
			return 0, err
		}
		sum := sha256.Sum256(b.block[:n])
		if !b.again {
			b.sums = append(b.sums, sum)
			b.tail = append(b.tail, b.block[max(0, n-maxEnd):n]...)
			b.tail = b.tail[max(0, len(b.tail)-maxEnd):]
		} else if b.next == len(b.sums) || sum != b.sums[b.next] {
			return 0, errChanged
		}
		b.next, b.rest = b.next+1, b.block[:n]
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
