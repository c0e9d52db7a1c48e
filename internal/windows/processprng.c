//go:build ignore

/*
 * bcryptprimitives.dll for Wine 8. Every Go program for Windows asks that DLL for random bytes when it starts, by the
 * function ProcessPrng, and Wine has it only from version 9 on. SystemFunction036 of advapi32 is the older name of the
 * same service, also known as RtlGenRandom.
 */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T size)
{
	return SystemFunction036(buffer, (ULONG)size);
}
