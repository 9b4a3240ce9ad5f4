package kernel

import (
	"strings"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// BaseNamedObjects is the directory in which everybody may create named objects
// such as jobs. It is the directory of session 0 and the global one.
const BaseNamedObjects = `\BaseNamedObjects`

// kernelObjects is the directory of the standard events of the system.
const kernelObjects = `\KernelObjects`

// deviceNames is the directory of the names by which programs know devices.
const deviceNames = `\GLOBAL??`

// devices is the directory of the devices themselves.
const devices = `\Device`

// links are the symbolic links of a new system with their targets. There is one session, 0, whose objects are the
// global ones (O-141).
var links = [][2]string{
	{`\BaseNamedObjects\Global`, BaseNamedObjects},
	{`\BaseNamedObjects\Local`, BaseNamedObjects},
	{`\BaseNamedObjects\Session`, `\Sessions\BNOLINKS`},
	{`\Sessions\BNOLINKS\0`, BaseNamedObjects},
	{`\Sessions\0\BaseNamedObjects`, BaseNamedObjects},
	{`\DosDevices`, `\??`}, // names of devices (T-138)
	{`\??`, deviceNames},
	{deviceNames + `\GLOBALROOT`, ""},
	{deviceNames + `\PIPE`, services.PipeDevice},
	{deviceNames + `\NUL`, services.NullDevice},
}

// conditions are the standard events, which the memory manager of Windows
// signals ("Standard Event Objects"). Nothing signals them here (O-142).
var conditions = []string{"HighMemoryCondition", "LowMemoryCondition", "HighPagedPoolCondition",
	"LowPagedPoolCondition", "HighNonPagedPoolCondition", "LowNonPagedPoolCondition", "HighCommitCondition",
	"LowCommitCondition", "MaximumCommitCondition"}

// makeDirectories creates the directories and links of a new system. A failure panics.
func (s *System) makeDirectories() {
	everybody := systems(winnt.DIRECTORY_ALL_ACCESS&^winnt.STANDARD_RIGHTS_REQUIRED|winnt.READ_CONTROL,
		winnt.DIRECTORY_ALL_ACCESS)
	s.insert(BaseNamedObjects, ob.NewDirectory(everybody, 0))
	for _, path := range []string{kernelObjects, deviceNames, devices,
		`\Sessions`, `\Sessions\BNOLINKS`, `\Sessions\0`} {
		s.insert(path, ob.NewDirectory(rootDescriptor(), 0))
	}
	follow := systems(winnt.SYMBOLIC_LINK_QUERY|winnt.READ_CONTROL, winnt.SYMBOLIC_LINK_ALL_ACCESS)
	for _, l := range links {
		s.insert(l[0], ob.NewSymbolicLink(l[1], follow))
	}
	m := &winnt.FileObject.Mapping
	for _, path := range []string{services.PipeDevice, services.NullDevice} {
		d := systems(m.Read|m.Write|m.Execute, m.All, sid.Administrators)
		s.insert(path, services.NewDevice(d, &s.sys.Security.Objects))
	}
	wait := systems(winnt.EVENT_QUERY_STATE|winnt.SYNCHRONIZE|winnt.READ_CONTROL, winnt.EVENT_ALL_ACCESS)
	for _, name := range conditions {
		s.insert(kernelObjects+`\`+name, services.NewEvent(nt.NotificationEvent, false, wait))
	}
}

// systems returns the security descriptor of an object that the system creates at boot. Its DACL grants Everyone the
// rights everyone, and LocalSystem and others the rights system.
func systems(everyone, system winnt.AccessMask, others ...sid.SID) *sd.Descriptor {
	aces := []sd.ACE{allow(everyone, sid.Everyone), allow(system, sid.LocalSystem)}
	for _, s := range others {
		aces = append(aces, allow(system, s))
	}
	list, err := sd.NewACL(aces...)
	if err != nil {
		panic("kernel: directory descriptor: " + err.Error())
	}
	return sd.New(sd.Parts{Control: sd.DACLPresent, Owner: sid.Administrators, Group: sid.LocalSystem, DACL: list})
}

// insert gives an object the name path in the object namespace and makes it permanent. The directories of the path
// must exist. It panics if they do not or the name is taken. It releases the caller's reference.
func (s *System) insert(path string, o ob.Object) {
	o.Head().SetBirth(ob.Birth{Permanent: true})
	dir := s.sys.Root
	parts := strings.Split(path[1:], `\`)
	for _, name := range parts[:len(parts)-1] {
		h := dir.Lookup(name, false)
		defer h.Deref(ob.TagCall)
		dir = h.Object().(*ob.Directory)
	}
	if st := dir.Insert(parts[len(parts)-1], o, false); !st.IsSuccess() {
		panic("kernel: " + path + ": " + st.String())
	}
	o.Head().Deref(ob.TagCall)
}
