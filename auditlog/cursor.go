package auditlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/diskio"
)

// sinkName returns the name of the sink in the cursor file. For a file it is the absolute path, so that the working
// directory does not matter.
func (f *Forwarder) sinkName() (string, error) {
	if network, _, ok := strings.Cut(f.Sink, ":"); ok && (network == "unix" || network == "tcp") {
		return f.Sink, nil
	}
	return filepath.Abs(f.Sink)
}

// load reads the cursor file: the number of the next record, the hash of the record before it, and the sink. Older
// files have no sink, and may have no hash. Without a file it starts at the first record. A malformed file and another
// sink are errors. After an error the cursor is undefined.
func (f *Forwarder) load() error {
	b, err := os.ReadFile(f.Cursor)
	if errors.Is(err, fs.ErrNotExist) {
		f.next, f.saved = 1, 1
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	number, rest, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	digits, quoted, named := strings.Cut(rest, " ")
	leaf, hexErr := hex.DecodeString(digits)
	f.next, err = strconv.ParseUint(number, 10, 56)
	if err != nil || f.next == 0 || hexErr != nil || len(leaf) != 0 && len(leaf) != sha256.Size {
		return fmt.Errorf("read the cursor: %s has no RecordId: remove it to send all records again", f.Cursor)
	}
	if named {
		now, err := f.sinkName()
		if err != nil {
			return err
		}
		// Another sink does not have the records before the cursor (U-77).
		if sink, err := strconv.Unquote(quoted); err != nil || sink != now {
			return fmt.Errorf("read the cursor: %s belongs to the sink %s: choose another file with --cursor for the "+
				"sink %s, or remove this one to send all records again", f.Cursor, cmp.Or(sink, quoted), now)
		}
	}
	f.saved, f.leaf = f.next, string(leaf)
	return nil
}

// save waits until the sink has received the records, makes them durable in the log, and then advances the cursor.
// Without new records it does nothing. A crash of either side may repeat records, but none is lost (U-77). After an
// error the old cursor stays. If the sink failed, the error is a *sinkError.
func (f *Forwarder) save() error {
	if f.sent == 0 {
		return nil
	}
	if f.out != nil {
		if err := f.taken(); err != nil {
			f.sent = 0 // the sink may not have these records, so a later save must not confirm them
			return &sinkError{err}
		}
	}
	// A cursor behind a record that a power failure takes from the log would look like one of another log (U-77).
	if err := f.log.sync(); err != nil {
		return fmt.Errorf("write the cursor: make the records before it durable: %w", err)
	}
	sink, err := f.sinkName()
	if err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	text := fmt.Appendf(nil, "%d %x %q\n", f.next, f.leaf, sink)
	if err := diskio.Faults(nil).Replace(f.Cursor, text, 0o600); err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	f.sent, f.since, f.saved = 0, time.Now(), f.next
	if f.down { // the sink has records, so the outage is over (U-204)
		f.down = false
		f.warnf("the sink %s has records again", f.Sink)
	}
	return nil
}
