package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// checkSink returns an error for a sink such as udp:HOST:PORT, which names a network that the forwarder does not have.
// Otherwise it would become a file. A malformed TCP address is an error, because waiting does not mend it. A pipe, a
// terminal or another file that is not regular is an error too, because it never confirms that it has the records
// (U-77). So is a file of the log. A missing file is no error.
func (f *Forwarder) checkSink() error {
	sink := f.Sink
	network, address, ok := strings.Cut(sink, ":")
	isWord := len(network) > 1 && strings.Trim(network, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	if ok && network == "tcp" {
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			_, err = net.LookupPort(network, port)
		}
		if err != nil {
			return fmt.Errorf("the sink %s: %w: want tcp:HOST:PORT", sink, err)
		}
		return nil
	}
	if ok && network == "unix" {
		return nil
	}
	if !ok || !isWord {
		if info, err := os.Stat(sink); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("the sink %s is not a regular file, so it cannot confirm that it has the records: want "+
				"unix:PATH, tcp:HOST:PORT or a regular file", sink)
		}
		return f.checkNotLog()
	}
	return fmt.Errorf("unknown network %q of the sink %s: want unix:PATH, tcp:HOST:PORT or a file such as ./%s", network,
		sink, sink)
}

// checkNotLog returns an error if the sink, which is a file, is the cursor, lies in the log's folder or below it, or is
// a link to a file there: appending to such a file would damage the log.
func (f *Forwarder) checkNotLog() error {
	place, err := placeOf(f.Sink)
	if err != nil {
		return err
	}
	// Neither file may exist yet.
	if cursor, err := placeOf(f.Cursor); err == nil && f.Cursor != "" && cursor == place {
		return fmt.Errorf("the sink %s is a file of the log, its cursor: want another file", f.Sink)
	}
	own := []string{f.Cursor, f.Dir}
	entries, _ := os.ReadDir(f.Dir) // Run reports a folder that cannot be read
	for _, e := range entries {
		own = append(own, filepath.Join(f.Dir, e.Name())) // the sink may be a hard link to it
	}
	for above := place; ; above = filepath.Dir(above) {
		if slices.ContainsFunc(own, func(name string) bool { return isSame(name, above) }) {
			return fmt.Errorf("the sink %s is a file of the log: want another file", f.Sink)
		}
		if above == filepath.Dir(above) {
			return nil
		}
	}
}

// placeOf returns the absolute path of a file after symbolic links were followed. The file itself may be missing, and a
// missing folder is left as it is named. A link to a missing file is an error.
func placeOf(name string) (string, error) {
	place, err := filepath.EvalSymlinks(name)
	if err != nil {
		if info, err := os.Lstat(name); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return "", fmt.Errorf("%s is a symbolic link to a file that is missing: name the file itself", name)
		}
		place = name
		if folder, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
			place = filepath.Join(folder, filepath.Base(name))
		}
	}
	return filepath.Abs(place)
}

// isSame reports whether two names lead to the same file. It returns false if one of them is missing.
func isSame(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// connect opens the sink: a socket for "unix:" and "tcp:", or else a file, to which it appends. It creates a missing
// file, and ends an incomplete last line. A file that is not regular is an error. It sets f.out and f.taken, and
// changes neither if it fails. A connection attempt ends after forwardWait.
func (f *Forwarder) connect(ctx context.Context) error {
	network, address, ok := strings.Cut(f.Sink, ":")
	if ok && (network == "unix" || network == "tcp") {
		d := net.Dialer{Timeout: forwardWait}
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		f.out, f.taken = c, func() error { f.out = nil; return handOver(ctx, c) }
		return nil
	}
	// Something else may have taken the place of the file since Run began.
	if err := f.checkSink(); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Sink, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := endLine(file); err != nil {
		return errors.Join(err, file.Close())
	}
	f.out, f.taken = file, func() error { return syncData(file) }
	return nil
}

// endLine ends the last line of a regular file if a full disk or a crash left it without a line feed. The next record
// would otherwise become part of that line. endLine does nothing for other files.
func endLine(file *os.File) error {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return err
	}
	in, err := os.Open(file.Name())
	if err != nil {
		return err
	}
	var last [1]byte
	_, err = in.ReadAt(last[:], info.Size()-1)
	if err = errors.Join(err, in.Close()); err != nil || last[0] == '\n' {
		return err
	}
	_, err = file.WriteString("\n")
	return err
}

// handOver ends a connection and waits until the other end closes it too. The system may have buffered data that the
// other end has not read. A peer that closes after our end of stream has read everything. The wait ends with an error
// after forwardTake, and after forwardEnd once ctx has ended. The next record opens another connection.
func handOver(ctx context.Context, c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return c.Close()
	}
	err := half.CloseWrite()
	if err == nil {
		err = c.SetReadDeadline(time.Now().Add(forwardTake))
	}
	if err == nil {
		defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now().Add(forwardEnd)) })()
		_, err = io.Copy(io.Discard, c)
	}
	return errors.Join(err, c.Close())
}

// close closes the sink. Without an open sink it does nothing.
func (f *Forwarder) close() error {
	if f.out == nil {
		return nil
	}
	err := f.out.Close()
	f.out = nil
	return err
}
