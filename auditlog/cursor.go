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
)

// sinkName returns the sink as the cursor has it: the absolute path of a file, so that the working directory does not
// matter.
func (f *Forwarder) sinkName() (string, error) {
	if network, _, ok := strings.Cut(f.Sink, ":"); ok && (network == "unix" || network == "tcp") {
		return f.Sink, nil
	}
	return filepath.Abs(f.Sink)
}

// load reads the number of the next record, the hash of the one before it and the sink from the cursor file, which may
// lack the last two. Without the file it starts with the first record. A file without such a number is an error, and so
// are a malformed hash and another sink. After an error the cursor is undefined.
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
		return fmt.Errorf("read the cursor: %s holds no RecordId: remove it to begin anew", f.Cursor)
	}
	if named {
		now, err := f.sinkName()
		if err != nil {
			return err
		}
		// Another sink does not have the records before the cursor (U-77).
		if sink, err := strconv.Unquote(quoted); err != nil || sink != now {
			return fmt.Errorf("read the cursor: %s is of the sink %s: name another file for the cursor of %s, or remove "+
				"this one to send all records", f.Cursor, cmp.Or(sink, quoted), now)
		}
	}
	f.saved, f.leaf = f.next, string(leaf)
	return nil
}

// save waits until the sink has received the records, and then advances the cursor. Without new records it does
// nothing. A crash of either side may repeat records, but none is lost (U-77). After an error the old cursor stays.
// If the sink failed, the error is a *sinkError.
func (f *Forwarder) save() error {
	if f.sent == 0 {
		return nil
	}
	if f.out != nil {
		if err := f.taken(); err != nil {
			return &sinkError{err}
		}
	}
	sink, err := f.sinkName()
	if err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	name := f.Cursor + ".new"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	_, err = fmt.Fprintf(file, "%d %x %q\n", f.next, f.leaf, sink)
	if err = errors.Join(err, syncData(file), file.Close()); err == nil {
		err = os.Rename(name, f.Cursor)
	}
	if err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	f.sent, f.since, f.saved = 0, time.Now(), f.next
	return nil
}
