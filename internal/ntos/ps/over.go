package ps

import (
	"maps"
	"slices"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/ntstatus"
)

// Exit ends the process with STATUS_SUCCESS. It returns the result of [Process.Terminate].
func (p *Process) Exit() bool { return p.Terminate(ntstatus.Success) }

// Terminate ends the process with a status: its threads end, and its handles are closed, protected ones included
// (O-43, O-47). Then it calls the function of [Process.AtExit]. It reports whether this call ended the process.
func (p *Process) Terminate(status ntstatus.Status) bool {
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return false
	}
	p.exited, p.status = true, status
	atExit, threads := p.atExit, slices.Collect(maps.Keys(p.threads))
	p.mu.Unlock()
	for _, t := range threads {
		// The threads end with the status of their process (O-169).
		t.terminate(status)
	}
	p.leaveJobs()
	p.table.Drain()
	p.over.Set()
	if atExit != nil {
		atExit()
	}
	return true
}

// AtExit sets the function that is called without a lock after the process has ended. A second call replaces it. If
// the process has already ended, AtExit calls f itself.
func (p *Process) AtExit(f func()) {
	p.mu.Lock()
	p.atExit = f
	over := p.exited
	p.mu.Unlock()
	if over {
		f()
	}
}

// Exited reports whether the process has ended. Once true, it stays true.
func (p *Process) Exited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// ExitStatus returns the exit status of the process, STATUS_PENDING while it runs (O-169).
func (p *Process) ExitStatus() ntstatus.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.exited {
		return ntstatus.Pending
	}
	return p.status
}

// ExitStatus returns the exit status of the thread, STATUS_PENDING while it runs (O-169).
func (t *Thread) ExitStatus() ntstatus.Status {
	end := t.ended.Load()
	if end == 0 {
		return ntstatus.Pending
	}
	return ntstatus.Status(uint32(end))
}

// Over returns the signal that is set when the thread ends (O-148).
func (t *Thread) Over() *ke.Signal { return &t.over }

// Over returns the signal that is set when the process ends (O-148).
func (p *Process) Over() *ke.Signal { return &p.over }
