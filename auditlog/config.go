package auditlog

import (
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
)

// Mode says which records wait for the disk. The zero value is Sync.
type Mode uint8

// The modes of a log.
const (
	// Sync acknowledges a record when it is durable.
	Sync Mode = iota
	// Relaxed acknowledges a successful access to an object when it is
	// queued; it is written at once and durable within 100 ms or 1 MiB. All
	// other records are as under Sync.
	Relaxed
)

// String returns "sync" or "relaxed".
func (m Mode) String() string {
	if m == Relaxed {
		return "relaxed"
	}
	return "sync"
}

// Full says what happens when the log has used the bytes it may keep. The zero
// value is Overwrite.
type Full uint8

// What a full log does.
const (
	Overwrite Full = iota // the oldest segments are removed, and a record says so
	Archive               // the oldest segments are moved to a folder, and a record says so
	Stop                  // no more records are taken
)

// Keep bounds what a log keeps. The zero value keeps everything.
type Keep struct {
	Bytes   int64         // of all segments; 0: no bound
	Age     time.Duration // segments whose last write is older go; 0: no bound
	Full    Full
	Archive string // name of a folder inside Dir for segments that go; "" stands for "archive"
}

// Config says where a log is and what it does. Only Dir must be given.
type Config struct {
	Dir  string
	Mode Mode
	Keep Keep
	// SegmentBytes is the size at which a new segment begins; 0: 64 MiB.
	SegmentBytes int64
	// Signers sign the checkpoints; the first one's name is the log's. While
	// a key is being replaced there are two. nil: the key beside the log,
	// made if it is not there.
	Signers []note.Signer
	// A checkpoint is made after so many records or so much time; 0: 10,000
	// and ten seconds.
	CheckpointRecords uint64
	CheckpointEvery   time.Duration
	// Computer is named by the records that the log writes itself.
	Computer string

	disk  disk         // tests replace it
	clock func() int64 // FILETIME; tests replace it
}

// Bounds of a log.
const (
	defaultSegment  = 64 << 20
	queueRecords    = audit.DefaultRecords
	queueBytes      = audit.DefaultBytes / 16 // with a batch being written and its encoding this stays below 64 MiB
	queueWait       = 5 * time.Second         // of a writer for room in the queue (U-66)
	relaxedDelay    = 100 * time.Millisecond  // until a relaxed record is durable
	relaxedBytes    = 1 << 20                 // written and not yet durable
	checkpointCount = 10_000
	checkpointTime  = 10 * time.Second
)

func (c *Config) defaults() {
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = defaultSegment
	}
	if c.CheckpointRecords == 0 {
		c.CheckpointRecords = checkpointCount
	}
	if c.CheckpointEvery <= 0 {
		c.CheckpointEvery = checkpointTime
	}
	if c.Keep.Archive == "" {
		c.Keep.Archive = "archive"
	}
	if c.disk == nil {
		c.disk = folder{c.Dir}
	}
	if c.clock == nil {
		c.clock = Now
	}
}

// Now returns the clock of records: 100-ns units since 1601-01-01.
func Now() int64 {
	const until1970 = 116_444_736_000_000_000
	return time.Now().UnixNano()/100 + until1970
}

// durable reports whether a record of the event waits for the disk: all but
// successful accesses to objects do.
func (m Mode) durable(e *audit.Event) bool {
	// The log promises the disk for everything, or the record is of a refusal (U-60).
	if m == Sync || e.Outcome == audit.Failure {
		return true
	}
	switch e.ID {
	case 4656, 4658, 4660, 4661, 4662, 4663, 4690:
		return false
	}
	return true
}
