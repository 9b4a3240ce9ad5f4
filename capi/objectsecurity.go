//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// named reads the object name of a security function: the name in parameter 0, and from parameter file whether it is a
// file.
func (c *call) named(file int) (win32.Named, ntstatus.Status) {
	name, st := c.StringAt(c.ptr(0))
	return win32.Named{Name: name, File: c.boolean(file)}, st
}

// rmNamedSecurity implements GetNamedSecurityInfo, which reads the descriptor of a named object. The C code splits the
// descriptor into parts.
func rmNamedSecurity(c *call) uint64 {
	o, st := c.named(3)
	if st != ntstatus.Success {
		return status(st)
	}
	d, st := win32.On(c.nt).NamedSecurity(o, c.u32(1))
	return c.giveDescriptor(2, d, st)
}

// rmObjectSecurity implements GetSecurityInfo, which reads the descriptor of a handle's object. The C code splits the
// descriptor into parts.
func rmObjectSecurity(c *call) uint64 {
	d, st := c.nt.NtQuerySecurityObject(c.handle(0), c.u32(1))
	return c.giveDescriptor(2, d, st)
}

// giveDescriptor returns a descriptor in an output parameter, or the status of the query.
func (c *call) giveDescriptor(at int, d *sd.Descriptor, st ntstatus.Status) uint64 {
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.give(c.ptr(at), d.Append(nil)))
}

// rmFileSecurity implements GetFileSecurity: the parameters are those of NtQuerySecurityObject, with a name for the
// handle. A name that cannot be opened gives its status. The descriptor is then not read.
func rmFileSecurity(c *call) uint64 {
	name, st := c.StringAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	var said uint64
	st = win32.On(c.nt).ReadNamed(win32.Named{Name: name, File: true}, c.u32(1), func(h winnt.Handle) ntstatus.Status {
		said = c.querySecurity(h)
		return ntstatus.Success
	})
	if st != ntstatus.Success {
		return status(st)
	}
	return said
}

// rmSetNamedSecurity implements SetNamedSecurityInfo and SetFileSecurity: it replaces parts of the descriptor of a
// named object.
func rmSetNamedSecurity(c *call) uint64 {
	o, st := c.named(3)
	if st != ntstatus.Success {
		return status(st)
	}
	return status(win32.On(c.nt).SetNamedSecurity(o, c.u32(1), captured(c.DescriptorAt(c.ptr(2)))))
}
