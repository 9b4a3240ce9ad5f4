// Package winnt holds the constants, enumerations and small fixed-layout values
// of the NT security interfaces under their documented names.
//
// It is the only package that uses the documented ALL_CAPS spelling. Every
// other package of refmon uses Go names. Values are those of the Windows SDK
// headers winnt.h and ntdef.h and of the WDK header ntifs.h, as published in
// the Microsoft documentation and in the open specification MS-DTYP.
//
// The types are plain comparable values: [AccessMask], [Handle], [LUID],
// [GUID], [GenericMapping], the enumerations and the [ObjectType] table. The
// package has no state. Only the String methods allocate.
package winnt
