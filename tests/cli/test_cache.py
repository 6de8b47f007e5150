from tricks_lib.lab.data import cache_folder


def test_the_cache_is_told_and_cleared(run, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TRICKS_DATA", str(tmp_path))
    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", "networks")
    kept, download = tmp_path / "folders" / "mine.pt", tmp_path / "FashionMNIST" / "raw"
    for file in (kept, download):
        file.parent.mkdir()
        file.write_bytes(bytes(2_000_000))
    assert run("cache") == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0] == str(cache_folder())
    assert "decoded images: 2.0 MB" in text
    assert run("cache", "--clear") == 0
    assert capsys.readouterr().out == f"Removed 2.0 MB from {tmp_path}.\n"
    assert not kept.exists()
    assert download.exists()
    assert run("cache", "--clear", "--downloads") == 0
    assert not download.exists()
