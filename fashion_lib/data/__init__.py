"""What a data set is: the label-table contract, splits, sampling, caches; sets/ has the data sets themselves."""
