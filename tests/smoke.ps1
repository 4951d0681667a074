# The whole fund in under a minute, as a user starts it; the words go on, as in `tests/smoke.ps1 --json`.
Set-Location (Join-Path $PSScriptRoot "..")
$python = "python"
foreach ($place in ".venv/Scripts/python.exe", ".venv/bin/python") {
    if (Test-Path $place) { $python = Join-Path (Get-Location) $place; break }
}
& $python -m fund smoke @args
exit $LASTEXITCODE
