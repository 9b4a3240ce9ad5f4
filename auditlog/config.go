package auditlog

import (
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/filetime"
)

// Mode selects which records wait for the disk before they are acknowledged. The zero value is Sync.
type Mode uint8

// The modes of a log.
const (
	// Sync acknowledges a record when it is durable.
	Sync Mode = iota
	// Relaxed acknowledges the record of a successful access to an object when it
	// is queued. It is written at once and is durable within 100 ms or 1 MiB.
	// Other records work as under Sync.
	Relaxed
)

// String returns "sync" or "relaxed".
func (m Mode) String() string {
	if m == Relaxed {
		return "relaxed"
	}
	return "sync"
}

// Full selects what a log does when it has used the bytes that [Keep] allows. The zero value is Overwrite.
type Full uint8

// Behaviours of a full log.
const (
	Overwrite Full = iota // removes the oldest segments and writes a record about it
	Archive               // moves the oldest segments to a folder and writes a record about it
	Stop                  // refuses new records, except essential ones within the reserve
)

// Keep limits the records that a log keeps. The zero value keeps everything.
type Keep struct {
	Bytes   int64         // of all segments; 0: no bound
	Age     time.Duration // removes segments whose last record is older, a day or two later; 0: no bound
	Full    Full
	Archive string // name of a folder inside Dir for removed segments; "" means "archive"
}

// Config configures a log. Only Dir is required.
type Config struct {
	Dir  string
	Mode Mode
	Keep Keep
	// Reserve is the number of bytes reserved for essential records (see [audit.Event.Essential]). Other
	// records fail while no more than that is left of the disk, or of Keep.Bytes under [Stop]. The log
	// allocates it in advance. 0 means none.
	Reserve int64
	// SegmentBytes is the size at which a new segment begins. 0 means 64 MiB.
	SegmentBytes int64
	// Signers sign the checkpoints. The name of the first one is the log's. There
	// are two while a key is being replaced. nil means the key next to the log,
	// which is created if it does not exist.
	Signers []note.Signer
	// The log signs a checkpoint after this number of records or this time. 0 means
	// 10,000 and ten seconds.
	CheckpointRecords uint64
	CheckpointEvery   time.Duration
	// Computer is the computer name in the records that the log writes itself.
	Computer string
	// Faults is called before each operation on the folder, with its name, such as "write",
	// "sync" or "create", and that of the file. The operation fails with its error. nil means
	// no faults. Tests set it.
	Faults func(operation, name string) error

	disk     disk // tests replace it
	flushers int  // batches that wait for the disk at a time; 0: two. Tests set it

	clock func() int64 // FILETIME; tests replace it
}

// Bounds of a log.
const (
	defaultSegment  = 64 << 20
	queueRecords    = audit.DefaultRecords
	queueBytes      = audit.DefaultBytes / 16 // with a batch being written and its encoding this stays below 64 MiB
	queueWait       = 5 * time.Second         // maximum wait for space in the queue (U-66)
	relaxedDelay    = 100 * time.Millisecond  // until a relaxed record is durable
	relaxedBytes    = 1 << 20                 // written and not yet durable
	checkpointCount = 10_000
	checkpointTime  = 10 * time.Second
)

// defaults sets the fields that are zero, and negative sizes and times, to their defaults.
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
		c.disk = folder{c.Dir, c.Faults}
	}
	if c.clock == nil {
		c.clock = Now
	}
}

// Now returns the current time in the unit of records: 100 ns since 1601-01-01 UTC.
func Now() int64 {
	return filetime.Of(time.Now())
}

// durable reports whether a record of the event waits for the disk. In Sync mode all do. In Relaxed mode all do except
// successful accesses to objects. A failure always waits.
func (m Mode) durable(e *audit.Event) bool {
	// In Sync mode every record waits for the disk. In any mode the record of a refusal does (U-60).
	if m == Sync || e.Outcome == audit.Failure {
		return true
	}
	switch e.ID {
	case 4656, 4658, 4660, 4661, 4662, 4663, 4690:
		return false
	}
	return true
}
