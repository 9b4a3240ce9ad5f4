// Package smbd starts Samba's file server for tests: a real counterpart for the
// attribute in which it keeps descriptors. It is there on Linux, for root, where the
// server is installed; elsewhere [Start] skips the test with the reason, unless the
// environment says REFMON_SAMBA=required.
//
//	s := smbd.Start(t, smbd.Share{Name: "v4"})
//	s.Cacls("root", "v4", "file", "--sddl", "-S", "D:(A;;FA;;;WD)")
//
// Guards: none; a server belongs to one test.
package smbd
