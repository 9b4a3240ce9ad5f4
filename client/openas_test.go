package client

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// asClient is the open that the tests make as a client.
var asClient = nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ, CreateDisposition: winnt.FILE_OPEN}

// handleOut returns the encoded outputs of an open with the handle h.
func handleOut(t *testing.T, h winnt.Handle) []byte {
	t.Helper()
	return check.Must(opening().AppendOut(nil, nt.CreateFileOut{FileHandle: h, Information: fileaccess.Opened}))
}

// OpenFileAs sends the closing of handles, the impersonation, the open and the revert together. If the impersonation
// failed, it returns that status. A daemon that opened the file nevertheless is lost (W-38).
func TestOpenFileAsReturnsStatus(t *testing.T) {
	const yes, no, other = ntstatus.Success, ntstatus.AccessDenied, ntstatus.NoToken
	for _, c := range []struct {
		as, opened, reverted ntstatus.Status
		st                   ntstatus.Status
		h                    winnt.Handle
	}{
		{yes, yes, yes, yes, 8},
		{yes, no, yes, no, 0},
		{yes, yes, other, yes, 8},
		{yes, no, other, no, 0},
		{other, yes, yes, ntstatus.PortDisconnected, 0},
		{other, ntstatus.Cancelled, no, other, 0},
		{other, ntstatus.Cancelled, yes, other, 0},
	} {
		lost := c.st == ntstatus.PortDisconnected
		s := newScripted(t)
		s.concurrently(func() {
			frames := []*wire.Frame{s.next(wire.Call), s.next(wire.Call), s.next(wire.Call), s.next(wire.ThenWith),
				s.next(wire.Call)}
			s.checkOpen(frames)
			for i, st := range []ntstatus.Status{ntstatus.InvalidHandle, yes, c.as, c.opened, c.reverted} {
				var rest []byte
				if i == 3 && st == yes {
					rest = handleOut(t, 8)
				}
				s.reply(frames[i], st, rest)
			}
		}, func() {
			o, st := s.OpenFileAs(s.first, 0x70, asClient, 4, 0x10)
			check.That(t, st == c.st && o.FileHandle == c.h && o.File == nil && o.Reverted == (c.reverted == yes && !lost),
				"statuses %+v: OpenFileAs = %+v, %v; want handle %v, reverted %t, no file, %v", c, o, st, c.h, c.reverted == yes,
				c.st)
		})
		if lost {
			s.checkLost(wire.ErrFrame)
		} else {
			s.checkAlive()
		}
	}
}

// checkOpen checks the frames of an open as the client with the token 0x70, after NtClose of the handles 4 and 0x10.
func (s *scripted) checkOpen(frames []*wire.Frame) {
	set := nt.SetInformationThreadIn{ThreadHandle: winnt.NtCurrentThread,
		ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformationLength: 8}
	as, back := set, set
	as.ThreadInformation, back.ThreadInformation = nt.Cap[winnt.Handle](0x70), nt.Cap[winnt.Handle](0)
	for i, want := range []struct {
		name string
		in   any
	}{{"NtClose", nt.CloseIn{Handle: 4}}, {"NtClose", nt.CloseIn{Handle: 0x10}}, {"NtSetInformationThread", as},
		{"NtCreateFile", asClient}, {"NtSetInformationThread", back}} {
		body, err := row(nt.NtTable.Find(want.name)).AppendCall(nil, want.in, false)
		if f := frames[i]; err != nil || f.Service != s.services[want.name] || f.Thread != 1 || !bytes.Equal(f.Body, body) {
			s.Errorf("frame %d: service %d, thread %d, body % x; want % x", i, f.Service, f.Thread, f.Body, body)
		}
	}
}

// OpenFileAs and ReadFileAs reject the token 0, which would end the impersonation, a service that the daemon does not
// have, and a name that no frame holds. They send nothing, so the thread's state does not change, and the handles to
// close stay open.
func TestOpenFileAsNeedsClient(t *testing.T) {
	s := newScripted(t)
	name := strings.Repeat("a", wire.MaxBody)
	long := nt.CreateFileIn{ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name})}
	_, f, st := s.OpenFile(s.first, long)
	check.That(t, st == ntstatus.InvalidParameter && f == nil, "OpenFile of a long name: %v, %v", f, st)
	o, st := s.OpenFileAs(s.first, 4, long)
	check.That(t, st == ntstatus.InvalidParameter && o.Reverted, "OpenFileAs of a long name: %+v, %v", o, st)
	check.Equal(t, check.Status(s.ReadFileAs(s.first, 4, long, 1, nil)), ntstatus.InvalidParameter,
		"ReadFileAs of a long name")
	if o, st := s.OpenFileAs(s.first, 0, asClient, 0x10); st != ntstatus.InvalidHandle || o != (OpenedAs{Reverted: true}) {
		t.Errorf("OpenFileAs of nobody: %+v, %v; want %v, reverted, no handle", o, st, ntstatus.InvalidHandle)
	}
	check.Equal(t, check.Status(s.ReadFileAs(s.first, 0, asClient, 1, nil)), ntstatus.InvalidHandle,
		"ReadFileAs of nobody")
	delete(s.services, "NtCreateFile")
	if o, st := s.OpenFileAs(s.first, 4, asClient, 0x10); st != ntstatus.NotSupported || !o.Reverted {
		t.Errorf("OpenFileAs without the service NtCreateFile: %+v, %v; want %v, reverted", o, st,
			ntstatus.NotSupported)
	}
	if _, f, st := s.OpenFile(s.first, asClient); st != ntstatus.NotSupported || f != nil {
		t.Errorf("OpenFile without the service NtCreateFile: %v, %v; want nil, %v", f, st, ntstatus.NotSupported)
	}
	check.Equal(t, check.Status(s.ReadFileAs(s.first, 4, asClient, 1, nil)), ntstatus.NotSupported,
		"ReadFileAs without the service NtCreateFile")
	s.checkAlive()
}

// If one of the answers is missing or malformed, OpenFileAs returns PortDisconnected and no values, and the
// connection ends. Reverted is false (W-9).
func TestOpenFileAsFailsWithoutAnswer(t *testing.T) {
	for at := range 3 {
		for _, half := range []bool{false, true} {
			s := newScripted(t)
			s.concurrently(func() {
				frames := []*wire.Frame{s.next(wire.Call), s.next(wire.ThenWith), s.next(wire.Call)}
				for i, f := range frames {
					switch {
					case i != at:
						s.reply(f, 0, nil)
					case half:
						s.write(&wire.Frame{Kind: wire.Answer, Request: f.Request, Body: []byte{1}})
					default:
						_ = s.end.Close()
						return
					}
				}
			}, func() {
				o, st := s.OpenFileAs(s.first, 4, asClient)
				check.That(t, st == ntstatus.PortDisconnected && o == (OpenedAs{}),
					"answer %d, malformed %t: OpenFileAs = %+v, %v; want no values, %v", at, half, o, st, ntstatus.PortDisconnected)
			})
			check.That(t, s.Err() != nil, "answer %d, malformed %t: the connection is still open", at, half)
		}
	}
}

// contents encodes a file's facts: four numbers and two flags. end is the end of file.
func contents(end byte, directory, whole byte) []byte {
	var b []byte
	for _, n := range []byte{11, 12, end, 14} {
		b = append(b, n, 0, 0, 0, 0, 0, 0, 0)
	}
	return append(b, directory, whole)
}

// ReadFileAs returns each fact of the file with its contents or its handle. It returns neither if it is refused. The
// requested number of bytes is limited to the range from 0 to MaxContents.
func TestReadFileAsReturnsFacts(t *testing.T) {
	opened := handleOut(t, 8)
	out := nt.CreateFileOut{FileHandle: 8, Information: fileaccess.Opened}
	for name, c := range map[string]struct {
		most int
		sent uint32
		st   ntstatus.Status
		rest []byte
		want ReadAs
	}{
		"whole": {5, 5, 0, append(append(handleOut(t, 0), contents(2, 0, 1)...), "hi"...),
			ReadAs{nt.CreateFileOut{Information: fileaccess.Opened}, 11, 12, 2, 14, false, true, []byte("hi")}},
		"handle": {-1, 0, 0, append(bytes.Clone(opened), contents(2, 0, 0)...),
			ReadAs{out, 11, 12, 2, 14, false, false, []byte{}}},
		"directory": {wire.MaxContents, wire.MaxContents, 0, append(bytes.Clone(opened), contents(0, 1, 0)...),
			ReadAs{out, 11, 12, 0, 14, true, false, []byte{}}},
		"refused": {wire.MaxContents + 1, wire.MaxContents, ntstatus.AccessDenied,
			append(bytes.Clone(opened), contents(2, 0, 0)...), ReadAs{}},
		"empty": {1, 1, 0, nil, ReadAs{}},
	} {
		s := newScripted(t)
		f := s.once(wire.ReadAs, c.st, c.rest, func() {
			r, st := s.ReadFileAs(s.first, 0x70, asClient, c.most, nil)
			if st != c.st || r.CreateFileOut != c.want.CreateFileOut || r.CreationTime != c.want.CreationTime ||
				r.LastWriteTime != c.want.LastWriteTime || r.EndOfFile != c.want.EndOfFile || r.FileID != c.want.FileID ||
				r.Directory != c.want.Directory || r.Whole != c.want.Whole || !bytes.Equal(r.Data, c.want.Data) {
				t.Errorf("%s: ReadFileAs = %+v, %v; want %+v, %v", name, r, st, c.want, c.st)
			}
		})
		want, err := opening().AppendCall(wire.AppendReadAs(nil, 0x70, c.sent), asClient, false)
		check.That(t, err == nil && f.Thread == 1 && f.Service == s.services["NtCreateFile"] && bytes.Equal(f.Body, want),
			"%s: frame with thread %d, service %d, body % x; want thread 1, body % x", name, f.Thread, f.Service, f.Body, want)
		s.checkAlive()
	}
}
