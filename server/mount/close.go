package mount

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Wait blocks until the file system is unmounted, by [Mount.Close] or by another program. It releases nothing: call
// Close too.
func (m *Mount) Wait() { m.served.Wait() }

// Close writes cached data to the tree, unmounts the file system in every mount namespace, waits for running requests,
// and releases the mount's tokens and handles. Programs with open files get ENOTCONN from then on. If another program
// has unmounted the file system already, Close only releases. If another file system covers the mount, or the mount
// cannot be unmounted, Close returns an error and the mount stays; call it again later. An ordinary user's mount is
// unmounted, but programs with open files keep it: then Close returns ErrInUse, and a second call waits for them.
// Otherwise call Close once (M-27).
func (m *Mount) Close() error {
	m.writeBack()
	err := finish(m.directory, m.device)
	if errors.Is(err, unix.EPERM) {
		// An ordinary user's own mount (M-26). The server's Unmount would unmount whatever is mounted on the path by now.
		if err = m.detach(); err == nil && !m.endsWithin(detachWait) {
			return fmt.Errorf("mount: %s: %w", m.directory, ErrInUse)
		}
	}
	if err != nil {
		// The server of a mount that stays never ends (M-27).
		if at, unread := where(m.device); unread != nil || at != "" {
			return fmt.Errorf("mount: %s stays mounted: %w", m.directory, err)
		}
	}
	m.served.Wait()
	m.end()
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// ErrInUse says that a mount of an ordinary user was unmounted, but programs still have files of it open. Only the end
// of this process takes the files from them.
var ErrInUse = errors.New("programs still use files of the mount")

// detachWait is how long Close waits for the end of a mount that only fusermount3 can unmount. Without open files it
// ends at once.
const detachWait = time.Second

// endsWithin reports whether the kernel ends the connection to this server within a time.
func (m *Mount) endsWithin(most time.Duration) bool {
	ended := make(chan struct{})
	go func() { m.served.Wait(); close(ended) }()
	select {
	case <-ended:
		return true
	case <-time.After(most):
		return false
	}
}

// writeBack writes the dirty pages of maps to the tree and waits for that. It ignores failures: a program may
// change a page during the write, or the mount may be gone.
func (m *Mount) writeBack() {
	dirty := map[uint64]bool{}
	m.mu.Lock()
	for _, o := range m.opens {
		// A memory mapping keeps its open in m.opens.
		if o.granted&winnt.FILE_WRITE_DATA != 0 && !o.passed {
			dirty[o.n.id] = true
		}
	}
	m.mu.Unlock()
	for id := range dirty {
		// The host's kernel writes the pages before it drops them. syncfs(2) does not wait for the writes of FUSE, and the
		// abort of the connection would lose them (M-27).
		_ = m.server.InodeNotify(id, 0, 0)
	}
}

// detach unmounts the file system from the mount's directory without waiting for open files. It does nothing if
// another file system is there by now (M-27).
func (m *Mount) detach() error {
	switch d, err := device(m.directory); {
	case err != nil:
		return err
	case d != m.device:
		return nil
	}
	return detach(m.directory)
}

// end releases what a mount uses: its tokens, locks, threads and process. It also works on a mount that Start prepared
// only in part, as long as the process exists.
func (m *Mount) end() {
	if m.accounts != nil {
		m.accounts.drop(func(person, *token.Token) bool { return true })
		m.accounts.closing.Wait()
	}
	m.mu.Lock()
	left := maps.Clone(m.opens)
	m.mu.Unlock()
	m.locks.end(left)
	m.workers.end()
	if m.accounts != nil {
		m.accounts.self.Close()
	}
	m.process.Exit()
	m.process.Close()
}
