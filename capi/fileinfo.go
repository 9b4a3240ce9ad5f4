//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// probeInfo probes the outputs of a query about a file, the status block and the buffer. The parameters are handle,
// block, buffer, length, class.
func (c *call) probeInfo() (ioCall, ntstatus.Status) {
	x := ioCall{call: c, block: c.ptr(1)}
	st := c.Probe(x.block, 16, 4)
	if st == ntstatus.Success {
		st = c.Probe(c.ptr(2), uintptr(c.u32(3)), 4)
	}
	return x, st
}

// facts ends a query about a file whose information consists of 32-bit words: it writes them and the I/O status. If the
// query failed, it writes only what finish does.
func (x ioCall) facts(st ntstatus.Status, words ...uint32) uint64 {
	if st != ntstatus.Success {
		return x.finish(st, 0)
	}
	var e marshal.Encoder
	for _, n := range words {
		e.U32(n)
	}
	if fault := x.Write(x.ptr(2), e.Bytes); fault != ntstatus.Success {
		return status(fault)
	}
	return x.finish(st, len(e.Bytes))
}

// fileName ends a query for a file's name: it writes a FILE_NAME_INFORMATION and the I/O status. The service has
// already cut the name to the buffer; the length is that of the whole name.
func (x ioCall) fileName(st ntstatus.Status, i nt.NameInformation) uint64 {
	var e marshal.Encoder
	e.U32(i.FileNameLength)
	e.Text(i.FileName)
	if fault := x.Write(x.ptr(2), e.Bytes); fault != ntstatus.Success {
		return status(fault)
	}
	return x.finish(st, len(e.Bytes))
}

// ntQueryInformationFile implements NtQueryInformationFile: it writes the information of the class in its documented
// layout. An unknown class writes nothing. It returns the status of the call.
func ntQueryInformationFile(c *call) uint64 {
	x, fault := c.probeInfo()
	out, st := c.sys.NtQueryInformationFile(nt.QueryInformationFileIn{FileHandle: c.handle(0), Length: c.u32(3),
		FileInformationClass: nt.FileInfoClass(c.u32(4)), FaultFileInformation: fault})
	if result, ok := x.treeFacts(st, out.FileInformation); ok {
		return result
	}
	switch i := out.FileInformation.(type) {
	case nt.PipeInformation:
		return x.facts(st, i.ReadMode, i.CompletionMode)
	case nt.AccessInformation:
		return x.facts(st, uint32(i.AccessFlags))
	case nt.AlignmentInformation:
		return x.facts(st, i.AlignmentRequirement)
	case nt.CompletionInformation:
		return x.facts(st, i.Flags)
	case nt.NameInformation:
		return x.fileName(st, i)
	case nt.PipeLocalInformation:
		return x.facts(st, i.NamedPipeType, i.NamedPipeConfiguration, i.MaximumInstances, i.CurrentInstances,
			i.InboundQuota, i.ReadDataAvailable, i.OutboundQuota, i.WriteQuotaAvailable, i.NamedPipeState, i.NamedPipeEnd)
	}
	return x.facts(st)
}

// ntQueryVolumeInformationFile writes the information of the class in its documented layout. An unknown class and any
// other failure write nothing.
func ntQueryVolumeInformationFile(c *call) uint64 {
	x, fault := c.probeInfo()
	out, st := c.sys.NtQueryVolumeInformationFile(nt.QueryVolumeInformationFileIn{FileHandle: c.handle(0),
		Length: c.u32(3), FsInformationClass: nt.FsInfoClass(c.u32(4)), FaultFsInformation: fault})
	switch i := out.FsInformation.(type) {
	case nt.FsDeviceInformation:
		return x.facts(st, i.DeviceType, i.Characteristics)
	case nt.FsSizeInformation:
		return x.sizes(st, i.SectorsPerAllocationUnit, i.BytesPerSector, i.TotalAllocationUnits,
			i.AvailableAllocationUnits)
	case nt.FsFullSizeInformation:
		return x.sizes(st, i.SectorsPerAllocationUnit, i.BytesPerSector, i.TotalAllocationUnits,
			i.CallerAvailableAllocationUnits, i.ActualAvailableAllocationUnits)
	}
	return x.facts(st)
}

// sizes ends a query about a volume's size: it writes the counts in allocation units, then the sectors of a unit and
// the bytes of a sector.
func (x ioCall) sizes(st ntstatus.Status, sectors, bytes uint32, units ...int64) uint64 {
	var words []uint32
	for _, n := range units {
		words = append(words, uint32(n), uint32(n>>32))
	}
	return x.facts(st, append(words, sectors, bytes)...)
}
