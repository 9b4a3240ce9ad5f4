package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/win32"
)

// gate executes a request, either in this process or in an agent, and returns the reply.
type gate func(*request) reply

// skipError is the reason why this machine or recorder cannot record a question.
type skipError struct{ why string }

// Error returns why the recorder skips the question.
func (e *skipError) Error() string { return e.why }

// skip returns the error for a question that the recorder cannot ask.
func skip(format string, a ...any) error { return &skipError{fmt.Sprintf(format, a...)} }

// ask asks the machine one question and returns the status and the outputs. A *skipError means that the question cannot
// be recorded. An unknown call is a *skipError. Input of the wrong type panics.
func (a *asker) ask(q replay.Question) (status string, out replay.Fields, err error) {
	switch q.Call {
	case replay.TextToSID:
		return a.convert(q.Call+"W", q.In["sid"].(string), nil, 1, func(at uint64, _ uint32) (replay.Fields, error) {
			n, err := a.number(call("advapi32.dll", "GetLengthSid").num(at))
			if err != nil {
				return nil, err
			}
			b, err := a.peek(at, int(n))
			return replay.Fields{"hex": hex.EncodeToString(b)}, err
		})
	case replay.TextToDescriptor:
		return a.convert(q.Call+"W", q.In["sddl"].(string), nil, 3, func(at uint64, n uint32) (replay.Fields, error) {
			b, err := a.peek(at, int(n))
			return replay.Fields{"hex": hex.EncodeToString(b)}, err
		})
	case replay.SIDToText, replay.DescriptorToText:
		b, err := hex.DecodeString(q.In["hex"].(string))
		if err != nil {
			return "", nil, err
		}
		field, arguments := "sid", 1
		if q.Call == replay.DescriptorToText {
			field, arguments = "sddl", 4
		}
		return a.convert(q.Call+"W", "", b, arguments, func(at uint64, _ uint32) (replay.Fields, error) {
			text, err := a.text(at)
			return replay.Fields{field: text}, err
		})
	case replay.AccessCheck:
		return a.check(q.In)
	case replay.NewDescriptor:
		return a.create(q.In)
	}
	return "", nil, skip("%s is not a question that this recorder knows", q.Call)
}

// ownerToSACL selects all four parts of a descriptor.
const ownerToSACL = 0xF

// convert calls proc, a function that converts SIDs or descriptors. The input is b, or text if b is nil. arguments is
// the number of parameters: 1 for a SID, 3 to parse a descriptor, 4 to format one. read reads the result at an
// address; n is a descriptor's length. A failure of proc is a status, not an error.
func (a *asker) convert(proc, text string, b []byte, arguments int,
	read func(at uint64, n uint32) (replay.Fields, error)) (string, replay.Fields, error) {
	r := call("advapi32.dll", proc)
	if b != nil {
		r.ptr(r.add(append(b, make([]byte, 80)...))) // a malformed length can make the function read past b
	} else {
		r.ptr(r.wide(text))
	}
	result, length := r.room(8), r.room(4)
	switch arguments {
	case 3:
		r.num(1).ptr(result).ptr(length)
	case 4:
		r.num(1).num(ownerToSACL).ptr(result).ptr(length)
	default:
		r.ptr(result)
	}
	p := a.do(r)
	if p.Missing != "" {
		return "", nil, skip("%s: %s", proc, p.Missing)
	}
	if uint32(p.Return) == 0 {
		return win32.Code(p.LastError).String(), nil, nil
	}
	out, err := read(p.u64(result), p.u32(length))
	a.do(call("kernel32.dll", "LocalFree").num(p.u64(result)))
	return win32.Code(0).String(), out, err
}

// number executes a request and returns its result. A missing function is a skipError.
func (a *asker) number(r *request) (uint64, error) {
	p := a.do(r)
	if p.Missing != "" {
		return 0, skip("%s: %s", r.Proc, p.Missing)
	}
	return p.Return, nil
}

// peek returns n bytes of this process's memory at an address, which a call has returned. It returns a skipError if
// the function is missing.
func (a *asker) peek(at uint64, n int) ([]byte, error) {
	r := call("ntdll.dll", "RtlMoveMemory")
	to := r.room(n)
	r.ptr(to).num(at).num(uint64(n))
	p := a.do(r)
	if p.Missing != "" {
		return nil, skip("%s: %s", r.Proc, p.Missing)
	}
	return p.bytes(to), nil
}

// text copies a zero-terminated UTF-16 string at an address, which a call has returned.
func (a *asker) text(at uint64) (string, error) {
	n, err := a.number(call("kernel32.dll", "lstrlenW").num(at))
	if err != nil {
		return "", err
	}
	b, err := a.peek(at, int(uint32(n))*2)
	return narrow(b), err
}

// u32le appends 32-bit numbers, little endian.
func u32le(b []byte, n ...uint32) []byte {
	for _, x := range n {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}
