package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

type handlesCmd struct {
	inspectFlags
	Process uint64 `arg:"" help:"The number of the process, from refmond ps."`
}

// Help returns the long text of --help for the command handles.
func (handlesCmd) Help() string {
	return `Lists the handles of a process with their objects and rights. It needs PROCESS_QUERY_INFORMATION and
PROCESS_DUP_HANDLE, because it duplicates each handle to query it. It closes the duplicates.`
}

// Run prints a line for each handle of a process: value, type, name and rights. It fails for an unknown process,
// and for one whose handles the caller may not duplicate.
func (c *handlesCmd) Run(std *streams) error {
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	p, err := l.openProcess(c.Process, winnt.PROCESS_QUERY_INFORMATION|winnt.PROCESS_DUP_HANDLE)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%8s  %-12s %s\n", "HANDLE", "TYPE", "NAME AND RIGHTS")
	return l.handles(p, func(h nt.ProcessHandle, typ, name string) {
		fmt.Fprintf(std.out, "%8s  %-12s %s\n", h.HandleValue, typ, named(name, typ, h))
	})
}

// named formats an open handle for display: the object's name and the granted rights.
func named(name, typ string, h nt.ProcessHandle) string {
	return strings.TrimSpace(inLine(name) + "  " + rightNames(typ, h.GrantedAccess))
}

// handles calls f with each handle of process p, its object type and its name. An object without a name has a
// description instead. For a handle that cannot be duplicated, typ is "?" and name is "".
func (l *inspector) handles(p winnt.Handle, f func(h nt.ProcessHandle, typ, name string)) error {
	v, st := l.th.NtQueryInformationProcess(p, nt.ProcessHandleInformation)
	list, ok := v.([]nt.ProcessHandle)
	if !ok {
		return fmt.Errorf("handles: %w", st.Err())
	}
	for _, h := range list {
		typ, name := "?", ""
		mine, st := l.th.NtDuplicateObject(p, h.HandleValue, winnt.NtCurrentProcess, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
		if st == ntstatus.Success {
			if t, st := l.th.NtQueryObject(mine, nt.ObjectTypeInformation); st == ntstatus.Success {
				typ = t.(nt.TypeInformation).TypeName
			}
			if n, st := l.th.NtQueryObject(mine, nt.ObjectNameInformation); st == ntstatus.Success {
				name = n.(string)
			}
			if name == "" {
				name = l.described(mine, typ)
			}
			l.th.NtClose(mine)
		}
		f(h, typ, name)
	}
	return nil
}

// described returns a text to show for an object without a name: a process's number, a thread's name, or a pipe's name.
// For other types, and if the query fails, it returns "". A disconnected pipe is "(pipe, disconnected)".
func (l *inspector) described(h winnt.Handle, typ string) string {
	switch typ {
	case "Process":
		if v, st := l.th.NtQueryInformationProcess(h, nt.ProcessBasicInformation); st == ntstatus.Success {
			return fmt.Sprint(uint64(v.(nt.ProcessBasic).UniqueProcessID))
		}
	case "Thread":
		if v, st := l.th.NtQueryInformationThread(h, nt.ThreadNameInformation); st == ntstatus.Success {
			return v.(string)
		}
	case "File":
		v, st := l.th.NtQueryInformationFile(h, nt.FileNameInformation)
		if name, ok := v.(nt.NameInformation); ok && st == ntstatus.Success {
			return pipeDevice + name.FileName
		}
		if st == ntstatus.PipeDisconnected {
			return "(pipe, disconnected)"
		}
	}
	return ""
}

// pipeDevice is the device of pipes. An end of a pipe without a name has no object name, and reports an empty name
// below the device.
const pipeDevice = `\Device\NamedPipe`

// rightNames formats a mask with the right names of the object type typ, without their common prefix. A full
// mask is "all rights". For an unknown type it returns the mask in its own format.
func rightNames(typ string, m winnt.AccessMask) string {
	t := winnt.ObjectTypeByName(typ)
	switch {
	case t == nil:
		return m.String()
	case t.Mapping.All != 0 && m&t.Mapping.All == t.Mapping.All:
		return "all rights"
	}
	return strings.ReplaceAll(t.Names(m), strings.ToUpper(typ)+"_", "")
}

type openFilesCmd struct {
	inspectFlags
	Name  string `arg:"" optional:"" help:"List only files with this text in their names."`
	Close bool   `help:"Close the listed handles, which are then invalid in their processes. Needs a name."`
}

// Help returns the long text of --help for the command openfiles.
func (openFilesCmd) Help() string {
	return `Lists the open files and pipes with their processes and rights: the File handles of every process
that you may open, and the host's file descriptors that refmond passed to programs, with time and
count. refmond does not see how a program uses a descriptor, or whether it closes or passes it on.
--close closes handles like NtDuplicateObject with DUPLICATE_CLOSE_SOURCE, which needs
PROCESS_DUP_HANDLE. Descriptors cannot be revoked.`
}

// Run prints the open files whose names contain c.Name, of every process that the caller may open, and then the passed
// descriptors. With c.Close it also closes the listed handles, and requires a name. It skips processes that it cannot
// open. An empty name without c.Close matches every file.
func (c *openFilesCmd) Run(std *streams) error {
	if c.Close && c.Name == "" {
		return errors.New("open-files --close: give a part of the names of the files")
	}
	l, err := c.open()
	if err != nil {
		return err
	}
	defer l.close()
	fmt.Fprintf(std.out, "%6s  %-18s %8s  %s\n", "ID", "PROCESS", "HANDLE", "NAME AND RIGHTS")
	names := map[uint64]string{}
	err = l.processes(func(_ winnt.Handle, b nt.ProcessBasic, _ winnt.Handle) error {
		id := uint64(b.UniqueProcessID)
		p, err := l.openProcess(id, winnt.PROCESS_QUERY_INFORMATION|winnt.PROCESS_DUP_HANDLE)
		if err != nil {
			return nil // the process has ended, or the caller may not read its handles
		}
		defer l.th.NtClose(p)
		process := short(text(l.th.NtQueryInformationProcess(p, nt.ProcessImageFileName)), 18)
		names[id] = process
		return l.handles(p, func(h nt.ProcessHandle, typ, name string) {
			if typ != "File" || !c.matches(name) {
				return
			}
			done := ""
			if c.Close {
				done = "  " + l.closeHandle(p, h.HandleValue)
			}
			fmt.Fprintf(std.out, "%6d  %-18s %8s  %s%s\n", id, process, h.HandleValue, named(name, typ, h), done)
		})
	})
	if err != nil {
		return err
	}
	return c.listPassed(std, l, names)
}

// matches reports whether name contains c.Name, ignoring the case of letters. An empty c.Name matches every
// name.
func (c *openFilesCmd) matches(name string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(c.Name))
}

// listPassed prints the descriptors that were passed to programs and whose name matches, one a line. It closes none,
// because the kernel cannot take them back.
func (c *openFilesCmd) listPassed(std *streams, l *inspector, names map[uint64]string) error {
	a, err := l.query(inspect.Query{What: "lent"})
	if err != nil {
		return err
	}
	for _, e := range a.Lent {
		what := inLine(e.Name) + "  " + rightNames("File", e.Used)
		if e.Name == "" {
			what = "further files"
		}
		if !c.matches(e.Name) {
			continue
		}
		note := ""
		if c.Close {
			note = "  stays: a descriptor cannot be taken back"
		}
		fmt.Fprintf(std.out, "%6d  %-18s %8s  %s  since %s, %d times%s\n", e.Process, names[e.Process], "(host)", what,
			e.Since.Local().Format(time.DateTime), e.Times, note)
	}
	return nil
}

// closeHandle closes the handle h of the process p. It returns "closed", or "stays:" with the status of the
// failure, for display (O-168).
func (l *inspector) closeHandle(p, h winnt.Handle) string {
	mine, st := l.th.NtDuplicateObject(p, h, winnt.NtCurrentProcess, 0, 0,
		winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_CLOSE_SOURCE)
	if st != ntstatus.Success {
		return "stays: " + st.String()
	}
	l.th.NtClose(mine)
	return "closed"
}
